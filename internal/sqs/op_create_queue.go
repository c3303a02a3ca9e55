package sqs

import (
	"context"
	"strconv"
	"time"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// CreateQueue makes a queue, or returns the URL of the one with that name, if none
// of the attributes given differs from its present ones. The name of a deleted
// queue is free again after 60 s (configurable).
//
// AWS: API_CreateQueue.
func init() {
	service.Register(&operations, sqsapi.CreateQueue, (*Service).accessCreateQueue, (*Service).CreateQueue)
}

func (s *Service) accessCreateQueue(c *service.Call, in *sqsapi.CreateQueueRequest) (service.Access, error) {
	n := name{c.Region, c.Account(), deref(in.QueueName)}
	return service.Access{Action: "sqs:CreateQueue", Resource: n.arn(), OwnerOnly: true}, notAtQueueURL(c, "CreateQueue")
}

// CreateQueue implements the operation.
func (s *Service) CreateQueue(ctx context.Context, c *service.Call, in *sqsapi.CreateQueueRequest) (*sqsapi.CreateQueueResult, error) {
	n := name{c.Region, c.Account(), deref(in.QueueName)}
	if err := checkQueueName(n, in); err != nil {
		return nil, err
	}
	given, err := s.checkAttributes(n, in.Attributes, true)
	if err != nil {
		return nil, err
	}
	if err := checkTags(n, in.Tags); err != nil {
		return nil, err
	}
	err = s.catalog.Update(ctx, func(tx *catalog.Tx) error { return s.create(tx, n, given, in.Tags, c.Now) })
	if err != nil {
		return nil, engineError(err)
	}
	return &sqsapi.CreateQueueResult{QueueUrl: urlOf(c, n)}, nil
}

// checkQueueName checks the name against the type of queue asked for.
func checkQueueName(n name, in *sqsapi.CreateQueueRequest) error {
	switch {
	case in.QueueName == nil:
		return invalidParameter("Value for parameter QueueName is invalid. Reason: Must specify a queue name.")
	case n.queue == "":
		return invalidParameter("Queue name cannot be empty")
	}
	fifo, err := strconv.ParseBool(in.Attributes[attrFIFO])
	if err == nil && fifo {
		if base := n.queue[:max(0, len(n.queue)-len(".fifo"))]; !n.fifo() || len(n.queue) > 80 || !validQueueName(base) {
			return invalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
		}
		return nil
	}
	if n.fifo() || !validQueueName(n.queue) {
		return invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

func validQueueName(s string) bool { return validBatchID(s) } // the same alphabet and length

// create makes the queue's record unless it exists. The attributes are checked.
func (s *Service) create(tx *catalog.Tx, n name, given, tags map[string]string, now time.Time) error {
	if existing, ok, err := readRecord(tx, n); err != nil {
		return err
	} else if ok {
		return sameAttributes(&Queue{name: n, record: existing, number: numbers(existing.Attributes)}, given)
	}
	if value, ok := tx.Get(kindDeleted, n.key()); ok {
		deleted, err := strconv.ParseInt(string(value), 10, 64)
		if err == nil && millis(now)-deleted < s.config.DeleteCooldown.Milliseconds() {
			return sqsapi.QueueDeletedRecently.New("You must wait 60 seconds after deleting a queue before you can create another with the same name.")
		}
		tx.Delete(kindDeleted, n.key())
	}
	if err := s.checkDeadLetter(tx, n, given[attrRedrivePolicy]); err != nil {
		return err
	}
	stored := make(map[string]string)
	applyAttributes(stored, given)
	if err := checkThroughput(stored); err != nil {
		return err
	}
	return writeRecord(tx, n, &record{
		ID: tx.NextID(), Attributes: stored, Tags: tags,
		DedupByGroup: stored[attrDedupScope] == "messageGroup",
		Created:      millis(now), Modified: millis(now),
	})
}

// sameAttributes compares the attributes given with those in force; those not
// given do not matter.
func sameAttributes(q *Queue, given map[string]string) error {
	for _, attr := range sortedKeys(given) {
		if q.attribute(attr) != given[attr] {
			return sqsapi.QueueNameExists.Newf("A queue already exists with the same name and a different value for attribute %s", attr)
		}
	}
	return nil
}

// Declare makes a queue unless it exists, in the configured account; for queues
// that the configuration file names. It fails if one exists with other attributes.
// Several nodes may do so at once: one of them makes it. On a cluster whose catalog has
// no owner yet it waits for one until ctx ends.
func (s *Service) Declare(ctx context.Context, region string, in *sqsapi.CreateQueueRequest) error {
	n := name{region, s.config.Account, deref(in.QueueName)}
	if err := checkQueueName(n, in); err != nil {
		return err
	}
	given, err := s.checkAttributes(n, in.Attributes, true)
	if err != nil {
		return err
	}
	if err := checkTags(n, in.Tags); err != nil {
		return err
	}
	return s.catalog.Ensure(ctx, func(tx *catalog.Tx) error { return s.create(tx, n, given, in.Tags, time.Now()) })
}
