package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/partition"
)

// remote is the part of an engine that other nodes have to do with. A method of
// Queue runs where its partition is owned: here, or through Peers on the owner, which
// executes it by Serve. Nothing is executed twice by this: what may have been
// executed is not sent again.
type remote struct {
	peers   partition.Peers
	refresh func(ctx context.Context) error
	work    sync.WaitGroup // calls that outlive their callers

	mu    sync.Mutex                    // guards polls
	polls map[uint64]context.CancelFunc // parked here for other nodes, by token
}

// elsewhere tells whether a call has to be made at another node.
func (q *Queue) elsewhere(err error) bool {
	return err != nil && q.m.engine.remote.peers != nil && errors.Is(err, partition.ErrNotOwner)
}

// call has the owner execute a request about the queue, and takes its answer apart:
// the error is the owner's, or one of package partition.
func (q *Queue) call(ctx context.Context, b []byte) (decoder, error) {
	reply, err := q.m.engine.remote.peers.Call(ctx, q.m.p.ID(), b)
	if err != nil {
		return decoder{}, err
	}
	d := decoder{b: reply}
	if d.byte() != codecVersion {
		return decoder{}, partition.ErrStopped
	}
	return d, d.error()
}

// begin starts a request.
func (q *Queue) begin(op byte) []byte {
	e := encoder{codecVersion, op}
	e.number(q.id)
	return e
}

func (q *Queue) enqueueElsewhere(in []Enqueue, out []Enqueued) ([]Enqueued, error) {
	e := encoder(q.begin(opEnqueue))
	e.number(uint64(len(in)))
	for i := range in {
		e.enqueue(&in[i])
	}
	d, err := q.call(context.Background(), e)
	if err != nil {
		return out, err
	}
	for n := d.count(2); n > 0; n-- {
		out = append(out, d.enqueued())
	}
	return out, d.end()
}

func (q *Queue) settleElsewhere(in []Settlement, out []error) ([]error, error) {
	e := encoder(q.begin(opSettle))
	e.number(uint64(len(in)))
	for i := range in {
		e.settlement(&in[i])
	}
	d, err := q.call(context.Background(), e)
	if err != nil {
		return out, err
	}
	for n := d.count(1); n > 0; n-- {
		out = append(out, d.error())
	}
	return out, d.end()
}

func (q *Queue) purgeElsewhere() error {
	d, err := q.call(context.Background(), q.begin(opPurge))
	if err != nil {
		return err
	}
	return d.end()
}

func (q *Queue) browseElsewhere(from uint64, n int, out []Peek) ([]Peek, error) {
	e := encoder(q.begin(opBrowse))
	e.number(from)
	e.number(uint64(max(n, 0)))
	d, err := q.call(context.Background(), e)
	if err != nil {
		return out, err
	}
	for n := d.count(4); n > 0; n-- {
		out = append(out, d.peek())
	}
	return out, d.end()
}

func (q *Queue) countersElsewhere(ctx context.Context) (Counters, error) {
	d, err := q.call(ctx, q.begin(opCounters))
	if err != nil {
		return Counters{}, err
	}
	c := Counters{Visible: d.number(), InFlight: d.number(), Delayed: d.number(), Oldest: d.signed()}
	return c, d.end()
}

// moveTime is how long the owner waits for the messages that it moves to arrive.
const moveTime = 5 * time.Second

func (q *Queue) moveElsewhere(ctx context.Context, n int, to uint64) (int, error) {
	e := encoder(q.begin(opMove))
	e.number(uint64(max(n, 0)))
	e.number(to)
	d, err := q.call(ctx, e)
	if err != nil {
		return 0, err
	}
	return int(d.number()), d.end()
}

const (
	// leaseMargin is what a poll at another node may take beyond its wait.
	leaseMargin = 10 * time.Second
	// leaveTime is how long a caller that goes waits for what its poll may still
	// bring.
	leaveTime = 2 * time.Second
)

// leaseElsewhere polls at the owner. When ctx ends, the poll is taken back, and what
// it got all the same is made visible again.
func (q *Queue) leaseElsewhere(ctx context.Context, in LeaseRequest) ([]Delivery, error) {
	token := rand.Uint64()
	e := encoder(q.begin(opLease))
	e.lease(&in, token)
	type result struct {
		out []Delivery
		err error
	}
	ended := make(chan result, 1)
	r := &q.m.engine.remote
	r.work.Go(func() {
		calling, cancel := context.WithTimeout(context.Background(), max(in.Wait, 0)+leaseMargin)
		defer cancel()
		out, err := q.poll(calling, e)
		if ctx.Err() != nil && len(out) > 0 {
			back := make([]Settlement, len(out))
			for i, d := range out {
				back[i] = Settlement{Seq: d.Seq, Generation: d.Generation, Extend: true}
			}
			q.giveBack(back)
			out, err = nil, ctx.Err()
		}
		ended <- result{out, err}
	})
	select {
	case x := <-ended:
		return x.out, x.err
	case <-ctx.Done():
	}
	if in.Wait > 0 {
		r.work.Go(func() {
			leaving, cancel := context.WithTimeout(context.Background(), leaveTime)
			defer cancel()
			e := encoder(q.begin(opLeave))
			e.number(token)
			_, _ = q.call(leaving, e) //nolint:errcheck // at worst the poll ends by itself
		})
	}
	timer := time.NewTimer(leaveTime)
	defer timer.Stop()
	select {
	case x := <-ended:
		return x.out, x.err
	case <-timer.C:
		return nil, nil
	}
}

func (q *Queue) poll(ctx context.Context, request []byte) ([]Delivery, error) {
	d, err := q.call(ctx, request)
	if err != nil {
		return nil, err
	}
	var out []Delivery
	for n := d.count(5); n > 0; n-- {
		out = append(out, d.delivery())
	}
	return out, d.end()
}
