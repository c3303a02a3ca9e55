package sns

import (
	"context"
	"fmt"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// PublishBatch sends up to ten messages to the subscribers of a topic. An empty message
// fails alone; whatever else is wrong with one entry fails all (recorded).
//
// AWS: API_PublishBatch.
func init() {
	service.Register(&operations, snsapi.PublishBatch,
		(*Service).accessPublishBatch, (*Service).PublishBatch)
}

// accessPublishBatch looks at the entries first, as AWS does.
func (s *Service) accessPublishBatch(c *service.Call, in *snsapi.PublishBatchInput) (service.Access, error) {
	if err := validate(in); err != nil {
		return service.Access{}, err
	}
	if err := checkEntries(in.PublishBatchRequestEntries); err != nil {
		return service.Access{}, err
	}
	return s.accessTopic(c, "SNS:Publish", "TopicArn", in.TopicArn, nil)
}

// maxEntries: PublishBatch API reference.
const maxEntries = 10

// PublishBatch implements the operation.
func (s *Service) PublishBatch(ctx context.Context, c *service.Call, in *snsapi.PublishBatchInput) (*snsapi.PublishBatchResponse, error) {
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	out := &snsapi.PublishBatchResponse{Failed: []snsapi.BatchResultErrorEntry{}, Successful: []snsapi.PublishBatchResultEntry{}}
	var all []*notification
	var ids []*string
	for i := range in.PublishBatchRequestEntries {
		e := &in.PublishBatchRequestEntries[i]
		if *e.Message == "" {
			out.Failed = append(out.Failed, snsapi.BatchResultErrorEntry{
				Code: new("InvalidParameter"), Id: e.Id, Message: new("Invalid parameter: Empty message"), SenderFault: new(true),
			})
			continue
		}
		n, err := s.compose(c, t, &draft{
			message: e.Message, subject: e.Subject, structure: e.MessageStructure, group: e.MessageGroupId,
			dedup: e.MessageDeduplicationId, attributes: e.MessageAttributes,
			path: fmt.Sprintf("publishBatchRequestEntries.%d.member.messageAttributes", i+1),
		})
		if err != nil {
			return nil, err
		}
		all, ids = append(all, n), append(ids, e.Id)
	}
	if err := s.publish(ctx, t, all); err != nil {
		return nil, err
	}
	for i, n := range all {
		entry := snsapi.PublishBatchResultEntry{Id: ids[i], MessageId: new(n.ID)}
		if n.Sequence != "" {
			entry.SequenceNumber = new(n.Sequence)
		}
		out.Successful = append(out.Successful, entry)
	}
	return out, nil
}

// checkEntries checks the batch as a whole.
func checkEntries(entries []snsapi.PublishBatchRequestEntry) error {
	switch n := len(entries); {
	case n == 0:
		return smithy.ValidationError.New("1 validation error detected: Value '[]' at 'publishBatchRequestEntries' failed to satisfy constraint: Member must not be empty")
	case n > maxEntries:
		return snsapi.TooManyEntriesInBatchRequestException.New("The batch request contains more entries than permissible.")
	}
	seen := make(map[string]bool, len(entries))
	size := 0
	for i := range entries {
		e := &entries[i]
		id := *e.Id
		if err := checkEntryID(id); err != nil {
			return err
		}
		if seen[id] {
			return snsapi.BatchEntryIdsNotDistinctException.New("Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
		size += len(*e.Message)
		for name, v := range e.MessageAttributes {
			size += len(name) + len(deref(v.DataType)) + len(deref(v.StringValue)) + len(v.BinaryValue)
		}
	}
	if size > maxMessage {
		return snsapi.BatchRequestTooLongException.New("The length of all the messages put together is more than the limit.")
	}
	return nil
}

func checkEntryID(id string) error {
	if len(id) > 80 {
		return snsapi.InvalidBatchEntryIdException.Newf("The Id of a batch entry in the batch request is too long: %s", id)
	}
	for i := range len(id) {
		if !isWord(id[i]) {
			return snsapi.InvalidBatchEntryIdException.Newf("The Id of a batch entry in the batch request contains an impermissible character: %s", id)
		}
	}
	if id == "" {
		return snsapi.InvalidBatchEntryIdException.Newf("The Id of a batch entry in the batch request contains an impermissible character: %s", id)
	}
	return nil
}
