package bus

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// Messages of calls. One with requests:
//
//	version 1 | number of the first | { wait | name | payload }...
//
// The numbers of the others follow it. wait is what the caller has left in
// milliseconds, plus 1; 0: no deadline. One with replies:
//
//	version 1 | { number | status 1 | payload }...
//
// Numbers are uvarints; names and payloads have their length before them. No message has
// more than batchCount entries.
const callVersion = 1

// Statuses of replies.
const (
	statusOK      byte = iota
	statusBusy         // not executed
	statusUnknown      // not executed: nobody handles the name here
	statusLost         // executed, but the reply cannot be sent
)

var errMessage = errors.New("cluster: malformed message")

type request struct {
	wait    uint64
	name    []byte
	payload []byte
}

type reply struct {
	number  uint64
	status  byte
	payload []byte
}

// entryRoom is what an entry takes besides its name and payload, and what comes before
// the first.
const entryRoom = 1 + 4*binary.MaxVarintLen64

func beginRequests(b []byte, first uint64) []byte {
	return binary.AppendUvarint(append(b, callVersion), first)
}

func appendRequest(b []byte, wait uint64, name string, payload []byte) []byte {
	b = binary.AppendUvarint(b, wait)
	b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	return append(binary.AppendUvarint(b, uint64(len(payload))), payload...)
}

func appendReply(b []byte, r reply) []byte {
	if len(b) == 0 {
		b = append(b, callVersion)
	}
	b = append(binary.AppendUvarint(b, r.number), r.status)
	return append(binary.AppendUvarint(b, uint64(len(r.payload))), r.payload...)
}

// waitOf is the wait of a caller with this much time left.
func waitOf(left time.Duration) uint64 { return uint64(max(0, left.Milliseconds())) + 1 }

// leftOf is the time of a wait that is not 0.
func leftOf(wait uint64) time.Duration {
	return time.Duration(min(wait-1, uint64(math.MaxInt64/time.Millisecond))) * time.Millisecond
}

// parseRequests reads the requests of a message into a slice without any. They are
// parts of the message.
func parseRequests(into []request, b []byte) (first uint64, _ []request, err error) {
	d := reader{b: b}
	if d.byte() != callVersion {
		return 0, into, errMessage
	}
	first = d.number()
	for len(d.b) > 0 && !d.bad {
		d.bad = len(into) == batchCount
		into = append(into, request{wait: d.number(), name: d.text(), payload: d.text()})
	}
	if d.bad {
		return 0, into, errMessage
	}
	return first, into, nil
}

// parseReplies reads the replies of a message as parseRequests does.
func parseReplies(into []reply, b []byte) ([]reply, error) {
	d := reader{b: b}
	if d.byte() != callVersion {
		return into, errMessage
	}
	for len(d.b) > 0 && !d.bad {
		d.bad = len(into) == batchCount
		into = append(into, reply{number: d.number(), status: d.byte(), payload: d.text()})
	}
	if d.bad {
		return into, errMessage
	}
	return into, nil
}

// reader takes a message apart. After the first mistake it returns zeros.
type reader struct {
	b   []byte
	bad bool
}

func (d *reader) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *reader) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// text is part of the message, with no room to append to.
func (d *reader) text() []byte {
	n := d.number()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	s := d.b[:n:n]
	d.b = d.b[n:]
	return s
}
