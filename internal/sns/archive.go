package sns

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/queue"
)

// archiveSpec is the queue that keeps the messages of a FIFO topic with an
// ArchivePolicy. They are only looked at, never received, and expire.
func archiveSpec(policy string) queue.Spec {
	days, problem := archiveDays(policy)
	if problem != "" {
		days = 365
	}
	return queue.Spec{Lease: 1000, Retention: int64(days) * day, MaxInFlight: 1}
}

// store archives messages that have been fanned out.
func (s *Service) store(t *topic, batch []queue.Delivery) error {
	if t.archive == nil {
		return nil
	}
	in := make([]queue.Enqueue, 0, len(batch))
	for i := range batch {
		d := &batch[i]
		in = append(in, queue.Enqueue{
			Message: queue.Message{ID: d.ID, Group: d.Group, Dedup: d.Dedup, SentAt: d.SentAt, Body: d.Body,
				Header: strconv.AppendUint(nil, d.Seq, 10)}, Delay: -1,
		})
	}
	_, err := t.archive.Enqueue(in, nil)
	return err
}

// replayPolicy is a subscription's ReplayPolicy.
type replayPolicy struct {
	PointType     string
	StartingPoint string
	EndingPoint   string `json:",omitempty"`
}

// parseReplay checks a ReplayPolicy.
func parseReplay(n name, r *subscriptionRecord, text string) (from, until int64, problem string) {
	var p replayPolicy
	if err := strict([]byte(text), &p); err != nil {
		return 0, 0, "ReplayPolicy: failed to parse JSON."
	}
	start, err := time.Parse(time.RFC3339, p.StartingPoint)
	switch {
	case !n.fifo() || r.Protocol != "sqs":
		return 0, 0, "ReplayPolicy: is supported for subscriptions of FIFO topics only"
	case p.PointType != "Timestamp":
		return 0, 0, "ReplayPolicy: PointType must be Timestamp"
	case err != nil:
		return 0, 0, "ReplayPolicy: StartingPoint must be a timestamp"
	case p.EndingPoint == "":
		return start.UnixMilli(), 0, ""
	}
	end, err := time.Parse(time.RFC3339, p.EndingPoint)
	if err != nil || !end.After(start) {
		return 0, 0, "ReplayPolicy: EndingPoint must be a timestamp after StartingPoint"
	}
	return start.UnixMilli(), end.UnixMilli(), ""
}

// Replay states.
const (
	replayPending  = "Pending"
	replayRunning  = "In progress"
	replayComplete = "Completed"
	replayFailed   = "Failed"
)

// archiveBegins is the time of the oldest message that the archive may have, in unix ms.
func (r *topicRecord) archiveBegins(now time.Time) int64 {
	days, _ := archiveDays(r.Attributes[attrArchivePolicy])
	return max(r.Archived, now.UnixMilli()-int64(days)*day)
}

// startReplay begins, or ends, the replay that a subscription's attributes ask for.
// problem is what is wrong with them, "" for nothing.
func startReplay(t *topic, r *subscriptionRecord, now time.Time) (problem string) {
	text := r.Attributes[attrReplayPolicy]
	if text == "" {
		r.Replay = nil
		return ""
	}
	from, until, problem := parseReplay(t.name, r, text)
	switch {
	case problem != "":
		return problem
	case t.Archive == 0:
		return "ReplayPolicy: the topic has no ArchivePolicy"
	case from < t.archiveBegins(now):
		return "ReplayPolicy: StartingPoint is before BeginningArchiveTime of the topic"
	}
	if until == 0 {
		until = now.UnixMilli()
	}
	r.Replay = &replayRecord{Began: now.UnixMilli(), From: from, Until: until, Status: replayPending}
	return ""
}

// replaying reports whether there is something to do.
func (r *replayRecord) replaying() bool {
	return r != nil && (r.Status == replayPending || r.Status == replayRunning)
}

// replaysHere reports whether this node replays from the topic's archive; if there is
// none any more, whether it says so.
func (t *topic) replaysHere() bool {
	if t.archive == nil {
		return t.log.Local()
	}
	return t.archive.Local()
}

const replayPage = 200

// replay delivers what the archive has of the time asked for, until ctx ends. It runs
// on the node that owns the archive, and saves how far it came after each page.
func (s *Service) replay(ctx context.Context, n subscriptionName) {
	for ctx.Err() == nil {
		sub, t := s.lookupSubscription(n), s.lookup(n.name)
		if sub == nil || t == nil || !sub.Replay.replaying() {
			return
		}
		r := *sub.Replay
		err := s.replayPage(ctx, t, sub, &r)
		if err == nil {
			err = s.changeSubscription(ctx, sub, func(_ *catalog.Tx, record *subscriptionRecord) error {
				if record.Replay != nil && *record.Replay == *sub.Replay { // else another one began
					record.Replay = &r
				}
				return nil
			})
		}
		if err != nil {
			s.logger.Warn("replay", "subscription", sub.ARN, "error", err)
			pause.For(ctx, dispatchRetry)
		}
	}
}

func (s *Service) replayPage(ctx context.Context, t *topic, sub *subscription, r *replayRecord) error {
	if t.archive == nil {
		r.Status = replayFailed
		return nil
	}
	r.Status = replayRunning
	page, err := t.archive.Browse(r.After+1, replayPage, nil)
	if err != nil {
		return err
	}
	if len(page) == 0 {
		r.Status = replayComplete
		return nil
	}
	var copies []*copyOf
	for i := range page {
		p := &page[i]
		r.After = p.Seq
		if p.SentAt < r.From || p.SentAt > r.Until {
			continue
		}
		var n notification
		if json.Unmarshal(p.Body, &n) != nil {
			continue
		}
		seq, _ := strconv.ParseUint(string(p.Header), 10, 64)
		n.ID, n.Sequence, n.Replayed = formatUUID(p.ID), sequence(seq), true
		// Another message than the first one, to the queue's deduplication.
		n.Dedup = contentDedup("replay\x00" + strconv.FormatInt(r.Began, 10) + "\x00" + n.Sequence)
		if !t.subs.gets(sub, &n) {
			continue
		}
		c, err := s.prepare(ctx, sub, n.forProtocol(sub.Protocol))
		if err != nil {
			return err
		}
		if c != nil {
			copies = append(copies, c)
		}
	}
	return s.enqueueInOrder(ctx, copies)
}
