// Package loadtest loads an SQS server over real sockets and measures it.
//
// The load generator shares the machine with the server, so it has to cost little:
// it writes HTTP/1.1 by hand into reused buffers, signs with a key that is derived
// once a day, and looks for the few values it needs in responses instead of
// decoding them. It speaks AWS JSON and the query protocol, signed or not, so that
// other servers can be measured in the same way.
package loadtest
