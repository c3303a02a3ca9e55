package kinesis

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
)

// plan is a resharding as it is made: splits and merges one after the other, of which
// only the first parents ever had records.
type plan struct {
	tx   *catalog.Tx
	r    *streamRecord
	now  int64 // unix ms
	out  reshardRecord
	open map[int]shardRecord // what is open after the steps so far
	made map[int]int         // of the shards that the plan makes: where in out.Make
}

func newPlan(tx *catalog.Tx, r *streamRecord, now time.Time) *plan {
	p := &plan{tx: tx, r: r, now: now.UnixMilli(), open: make(map[int]shardRecord), made: make(map[int]int)}
	for _, sh := range r.Shards {
		if sh.Closed == 0 {
			p.open[sh.Index] = sh
		}
	}
	return p
}

// need demands shards to be open still: what the caller looked at may be out of date.
func (p *plan) need(n name, indexes ...int) error {
	for _, index := range indexes {
		if _, ok := p.open[index]; !ok {
			return n.notEligible(index)
		}
	}
	return nil
}

// pieces are the open shards with their ranges, in order.
func (p *plan) pieces() []piece {
	out := make([]piece, 0, len(p.open))
	for _, r := range p.open {
		x := piece{index: r.Index}
		x.start, _ = parseHash(r.Start) // written by us
		x.end, _ = parseHash(r.End)
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b piece) int { return a.start.compare(b.start) })
	return out
}

// replace closes parents and makes one shard of a range. A child is made a second after
// its parents end, and after they were made, so that its sequence numbers are larger.
func (p *plan) replace(parents []int, ranges ...hashRange) (children []int) {
	created := p.now/1000 + 1
	for _, index := range parents {
		created = max(created, p.open[index].Created+1)
	}
	for _, index := range parents {
		if i, ok := p.made[index]; ok {
			p.out.Make[i].Closed = p.now // and when it is done, the time of all
		} else {
			p.out.Close = append(p.out.Close, index)
		}
		delete(p.open, index)
	}
	for _, g := range ranges {
		sh := shardRecord{
			Index: p.r.Next, ID: p.tx.NextID(), Start: g.start.String(), End: g.end.String(), Parents: parents,
			Created: created,
		}
		p.r.Next++
		p.made[sh.Index] = len(p.out.Make)
		p.out.Make = append(p.out.Make, sh)
		p.open[sh.Index] = sh
		children = append(children, sh.Index)
	}
	return children
}

// piece is an open shard with its range.
type piece struct {
	index int
	hashRange
}

// uniform reshards everything into ranges: shards are split where a range ends inside
// them, then the pieces of a range are merged, two at a time. Both are in order, and
// cover everything.
func (p *plan) uniform(shards []piece, ranges []hashRange) {
	var pieces []piece
	g := 0
	for _, x := range shards {
		for ; ranges[g].end.compare(x.end) < 0; g++ {
			if ranges[g].end.compare(x.start) < 0 {
				continue // it ends where the shard before did
			}
			cut := []hashRange{{x.start, ranges[g].end}, {ranges[g].end.next(), x.end}}
			children := p.replace([]int{x.index}, cut...)
			pieces = append(pieces, piece{children[0], cut[0]})
			x = piece{children[1], cut[1]}
		}
		pieces = append(pieces, x)
	}
	i := 0
	for _, g := range ranges {
		whole := pieces[i]
		for i++; i < len(pieces) && pieces[i].end.compare(g.end) <= 0; i++ {
			joined := hashRange{whole.start, pieces[i].end}
			children := p.replace([]int{whole.index, pieces[i].index}, joined)
			whole = piece{children[0], joined}
		}
	}
}

// reshard writes a plan down, and carries it out.
func (s *Service) reshard(ctx context.Context, x *stream, now time.Time, make func(p *plan) error) error {
	err := s.change(ctx, x, func(tx *catalog.Tx, r *streamRecord) error {
		if err := s.update(x.name, r, now); err != nil {
			return err
		}
		p := newPlan(tx, r, now)
		if err := make(p); err != nil {
			return err
		}
		if len(p.open) > s.config.ShardLimit && len(p.out.Make) > 0 {
			return s.shardLimit(x.name, len(p.open))
		}
		if len(p.out.Make) > 0 {
			r.Reshard = &p.out
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.finishReshard(ctx, x.name)
}

// finishReshard completes a resharding, if one is under way: the parents are closed in the
// engine, for ever, and then the children take records. It can be done any number of
// times, by any node.
func (s *Service) finishReshard(ctx context.Context, n name) error {
	x := s.lookup(n)
	if x == nil || x.Reshard == nil {
		return nil
	}
	// All of it happens at one time, so that there is none at which a key has no shard.
	var at int64
	for _, index := range x.Reshard.Close {
		sh := x.shardAt(index)
		if sh == nil {
			continue
		}
		c, err := sh.handle.Close(ctx)
		if err != nil {
			return engineError(err)
		}
		at = max(at, c.Time, 1)
	}
	first := x.Reshard.Make[0].Index
	err := s.change(ctx, x, func(_ *catalog.Tx, r *streamRecord) error {
		if r.Reshard == nil || r.Reshard.Make[0].Index != first {
			return errDone // somebody else was faster
		}
		for _, index := range r.Reshard.Close {
			if sh := r.shard(index); sh != nil {
				sh.Closed = at
			}
		}
		late := int64(0) // the parents may have ended later than was planned
		for _, sh := range r.Reshard.Make {
			late = max(late, at/1000+1-sh.Created)
		}
		for _, sh := range r.Reshard.Make {
			sh.Created += late
			if sh.Closed != 0 {
				sh.Closed = at
			}
			r.Shards = append(r.Shards, sh)
		}
		r.Reshard = nil
		prune(r, time.Now())
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// prune forgets closed shards whose records have all expired.
func prune(r *streamRecord, now time.Time) {
	kept := r.Shards[:0]
	for _, sh := range r.Shards {
		if sh.Closed == 0 || sh.Closed+int64(r.Hours)*hour >= now.UnixMilli() {
			kept = append(kept, sh)
		}
	}
	r.Shards = kept
}

// shardLimit is the answer when an account would have too many open shards.
func (s *Service) shardLimit(n name, more int) error {
	return kinesisapi.LimitExceededException.Newf("This request would exceed the shard limit for the account %s in %s. Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d. Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request higher limits.",
		n.account, n.region, s.openShards(n.region, n.account), s.config.ShardLimit, more)
}

// openShards counts an account's open shards in a region.
func (s *Service) openShards(region, account string) (n int) {
	now := time.Now().UnixMilli()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, x := range s.streams {
		if name.region == region && name.account == account && !x.deleted(now) {
			n += len(x.open)
		}
	}
	return n
}

func (n name) notEligible(index int) error {
	return invalid("Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.", shardID(index), n.stream, n.account)
}

// toReshard finds an open shard that is to be split or merged.
func (x *stream) toReshard(id string) (*shard, error) {
	index, ok := parseShardID(id)
	if !ok {
		return nil, x.noShard(id)
	}
	sh := x.shardAt(index)
	if sh == nil {
		return nil, x.noShard(shardID(index))
	}
	if sh.Closed != 0 {
		return nil, x.notEligible(index)
	}
	return sh, nil
}

// resharded finds the stream of a call that reshards.
func (s *Service) resharded(ctx context.Context, n name, now time.Time, ids ...string) (*stream, error) {
	for _, id := range ids {
		if _, ok := parseShardID(id); !ok {
			return nil, n.noShard(id)
		}
	}
	x, err := s.shown(ctx, n)
	if err != nil {
		return nil, err
	}
	return x, x.needActive(&x.streamRecord, now)
}
