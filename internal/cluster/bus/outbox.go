package bus

import (
	"runtime"
	"sync"
)

const (
	batchBytes = 128 << 10 // of a message with several entries
	batchCount = 1024
	// aloneBytes is from where on a payload has a message to itself, sent by whoever
	// has it: it gains nothing from company, and the queue stays small.
	aloneBytes = 32 << 10

	maxQueued      = 64 << 20 // bytes of requests that wait to be sent to one node
	maxQueuedCount = maxCalls
)

// batch is a message in the making.
type batch struct {
	data  []byte
	first uint64 // number of the first request
	count int
}

// outbox sends what many want to say to one node in few messages: the way through two
// servers and TLS costs some 70 us of processor time, however much is in a message.
//
// Nothing waits for company: there is a sender while there is something to send, and
// what comes while it is at it goes into its next message. So the messages grow with
// the load.
type outbox struct {
	send func(*batch)    // by one goroutine at a time; data is not kept
	work *sync.WaitGroup // counts the sender

	mu      sync.Mutex // guards what follows; in a target also what belongs to its calls
	queue   []*batch   // never empty ones
	bytes   int        // in queue
	count   int        // in queue
	sealed  bool       // nothing more may be added to the last of queue
	sending bool
	spare   [][]byte // to be used again: one fills while another is sent
}

// open returns the batch that an entry of at most size bytes goes into. mu is held,
// here and until added is called.
func (o *outbox) open(size int) *batch {
	if n := len(o.queue); n > 0 && !o.sealed {
		if b := o.queue[n-1]; b.count < batchCount && len(b.data)+size <= batchBytes {
			return b
		}
	}
	b := &batch{}
	if n := len(o.spare); n > 0 {
		b.data = o.spare[n-1]
		o.spare = o.spare[:n-1]
	}
	o.sealed = false
	o.queue = append(o.queue, b)
	return b
}

// added counts an entry that made b longer by this many bytes, and has it sent. mu is
// held.
func (o *outbox) added(b *batch, bytes int) {
	b.count++
	o.count++
	o.bytes += bytes
	if !o.sending {
		o.sending = true
		o.work.Add(1)
		go o.run()
	}
}

// run sends until nothing is left.
func (o *outbox) run() {
	defer o.work.Done()
	for {
		// A goroutine that was just started comes next, before all that could run
		// longer ago: they were woken together, by one commit or one message, and have
		// something to say, too. Behind them it finds it all. With nobody else about
		// this costs nothing.
		runtime.Gosched()
		b := o.take()
		if b == nil {
			return
		}
		o.send(b)
		o.mu.Lock()
		if len(o.spare) < 2 {
			o.spare = append(o.spare, b.data[:0])
		}
		o.mu.Unlock()
	}
}

// take removes the first batch; with none left the sender ends.
func (o *outbox) take() *batch {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		o.sending, o.queue = false, nil
		return nil
	}
	b := o.queue[0]
	o.queue[0] = nil
	o.queue = o.queue[1:]
	o.bytes -= len(b.data)
	o.count -= b.count
	return b
}
