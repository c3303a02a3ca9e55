// Package smithy is the vocabulary between generated API shapes, wire codecs
// and services: schemas that describe shapes, the Encoder and Decoder that a
// codec implements, operation and service tables, and API errors.
//
// A generated shape knows its members and no wire format; a codec knows bytes
// and no shape. Both meet in the two interfaces of this package, so N services
// times M protocols cost N+M pieces of code. The idea is smithy-go's
// ShapeSerializer; unlike there, every shape here goes both ways, because a
// server decodes what a client encodes.
//
// The package imports the standard library only.
package smithy
