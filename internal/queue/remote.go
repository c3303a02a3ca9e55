package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/partition/message"
)

// remote is the part of an engine that other nodes have to do with. A method of
// Queue runs where its partition is owned: here, or through Peers on the owner, which
// executes it by Serve. Nothing is executed twice by this: what may have been
// executed is not sent again, except polls.
type remote struct {
	peers   partition.Peers
	refresh func(ctx context.Context) error
	work    sync.WaitGroup // calls that outlive their callers

	mu    sync.Mutex                    // guards the fields below
	polls map[uint64]context.CancelFunc // parked here for other nodes, by token
	left  map[uint64]struct{}           // tokens of polls that were taken back before they came
}

const (
	// forwardTime bounds a call to the owner, looking for it included: longer than a
	// fail-over takes, shorter than clients wait.
	forwardTime = 10 * time.Second
	// leaveTime is how long a poll may take to come back from its owner when its
	// caller has gone.
	leaveTime = 2 * time.Second
	// leaseMargin is what a poll may take beyond its wait.
	leaseMargin = forwardTime
	// moveTime is how long the owner waits for the messages that it moves to arrive.
	moveTime = 5 * time.Second
)

// clustered tells whether there are other nodes.
func (e *Engine) clustered() bool { return e.remote.peers != nil }

// elsewhere tells whether a call has to be made at another node.
func (q *Queue) elsewhere(err error) bool {
	return err != nil && q.m.engine.clustered() && errors.Is(err, partition.ErrNotOwner)
}

// call has a partition's owner execute a request, and takes its answer apart: the
// error is the owner's, or one of package partition.
func (r *remote) call(ctx context.Context, id uint16, request encoder) (decoder, error) {
	reply, err := r.peers.Call(ctx, id, request.Writer)
	if err != nil {
		return decoder{}, err
	}
	d := newDecoder(reply)
	if d.Byte() != codecVersion {
		return decoder{}, errMalformed
	}
	err = d.error()
	if d.Bad() {
		err = errMalformed
	}
	return d, err
}

// call is remote.call for a request about the queue.
func (q *Queue) call(ctx context.Context, request encoder) (decoder, error) {
	return q.m.engine.remote.call(ctx, q.m.p.ID(), request)
}

// forward is call with a limit in time.
func (q *Queue) forward(ctx context.Context, request encoder) (decoder, error) {
	ctx, cancel := context.WithTimeout(ctx, forwardTime)
	defer cancel()
	return q.call(ctx, request)
}

// request starts one about a queue, 0 for none.
func request(op byte, queue uint64) encoder {
	e := encoder{message.Writer{codecVersion, op}}
	e.Number(queue)
	return e
}

func (q *Queue) enqueueElsewhere(in []Enqueue, out []Enqueued) ([]Enqueued, error) {
	e := request(opEnqueue, q.id)
	e.Number(uint64(len(in)))
	for i := range in {
		e.enqueue(&in[i])
	}
	d, err := q.forward(context.Background(), e)
	if err != nil {
		return out, err
	}
	return append(out, message.Several(&d, 2, maxCount, (*decoder).enqueued)...), d.end()
}

func (q *Queue) settleElsewhere(in []Settlement, out []error) ([]error, error) {
	e := request(opSettle, q.id)
	e.Number(uint64(len(in)))
	for i := range in {
		e.settlement(&in[i])
	}
	d, err := q.forward(context.Background(), e)
	if err != nil {
		return out, err
	}
	return append(out, message.Several(&d, 1, maxCount, (*decoder).error)...), d.end()
}

func (q *Queue) purgeElsewhere() error {
	d, err := q.forward(context.Background(), request(opPurge, q.id))
	if err != nil {
		return err
	}
	return d.end()
}

func (q *Queue) browseElsewhere(from uint64, n int, out []Peek) ([]Peek, error) {
	e := request(opBrowse, q.id)
	e.Number(from)
	e.Number(uint64(max(n, 0)))
	d, err := q.forward(context.Background(), e)
	if err != nil {
		return out, err
	}
	return append(out, message.Several(&d, 4, maxCount, (*decoder).peek)...), d.end()
}

func (q *Queue) countersElsewhere(ctx context.Context) (Counters, error) {
	d, err := q.forward(ctx, request(opCounters, q.id))
	if err != nil {
		return Counters{}, err
	}
	c := d.counters()
	return c, d.end()
}

func (q *Queue) moveElsewhere(ctx context.Context, n int, to uint64) (int, error) {
	e := request(opMove, q.id)
	e.Number(uint64(max(n, 0)))
	e.Number(to)
	d, err := q.forward(ctx, e)
	if err != nil {
		return 0, err
	}
	return int(d.UpTo(maxCount)), d.end()
}

// polled is what became of a poll.
type polled struct {
	out []Delivery
	err error
}

// leaseElsewhere polls at the owner. When ctx ends, the poll is taken back, and what
// it got all the same is made visible again, in a goroutine that Close waits for.
func (q *Queue) leaseElsewhere(ctx context.Context, in LeaseRequest) ([]Delivery, error) {
	token := rand.Uint64()
	e := request(opLease, q.id)
	e.lease(&in, token)
	r := &q.m.engine.remote
	calling, cancel := context.WithTimeout(context.Background(), max(in.Wait, 0)+leaseMargin)
	ended, gone := make(chan polled), make(chan struct{})
	r.work.Go(func() {
		defer cancel()
		p := q.poll(calling, e)
		select {
		case ended <- p:
		case <-gone:
			q.giveBackAll(p.out)
		}
	})
	select {
	case p := <-ended:
		if ctx.Err() != nil && len(p.out) > 0 {
			r.work.Go(func() { q.giveBackAll(p.out) })
			return nil, ctx.Err()
		}
		return p.out, p.err
	case <-ctx.Done():
		close(gone)
	}
	r.work.Go(func() {
		defer cancel() // at worst the leases that it brings run out by themselves
		leaving, done := context.WithTimeout(calling, leaveTime)
		defer done()
		e := request(opLeave, q.id)
		e.Number(token)
		_, _ = q.call(leaving, e) // then the time ends it
		<-leaving.Done()          // the poll's own end, or the time
	})
	return nil, nil
}

func (q *Queue) poll(ctx context.Context, request encoder) polled {
	d, err := q.call(ctx, request)
	if err != nil {
		return polled{err: err}
	}
	p := polled{out: message.Several(&d, 5, maxCount, (*decoder).delivery)}
	if p.err = d.end(); p.err != nil {
		p.out = nil
	}
	return p
}

// giveBackAll makes deliveries visible again.
func (q *Queue) giveBackAll(in []Delivery) {
	if len(in) == 0 {
		return
	}
	back := make([]Settlement, len(in))
	for i, d := range in {
		back[i] = Settlement{Seq: d.Seq, Generation: d.Generation, back: true}
	}
	q.giveBack(back)
}
