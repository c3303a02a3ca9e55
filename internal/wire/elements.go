package wire

// MaxElements is how many elements the lists and maps of one document may have in all.
// The largest request of an AWS API, PutRecords, has 500. An element may take a byte of
// the document and many of memory, before the model's own limits are looked at.
const MaxElements = 65_536

// TooManyElements is what a document with more is told.
const TooManyElements = "The request has too many elements."
