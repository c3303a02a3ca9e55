package sqs

import (
	"errors"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/smithy"
)

// maxBatchEntries: SQS quotas, entries of one batch request.
const maxBatchEntries = 10

// checkBatch checks a batch request as a whole. Kind is the entries' name in
// errors, id returns the Id of the i-th entry.
func checkBatch(kind string, absent bool, n int, id func(i int) *string) error {
	switch {
	case absent:
		return missingParameter(kind)
	case n == 0:
		return sqsapi.EmptyBatchRequest.Newf("There should be at least one %s in the request.", kind)
	case n > maxBatchEntries:
		return sqsapi.TooManyEntriesInBatchRequest.Newf("Maximum number of entries per request are %d. You have sent %d.", maxBatchEntries, n)
	}
	seen := make(map[string]struct{}, n)
	for i := range n {
		if !validBatchID(deref(id(i))) {
			return sqsapi.InvalidBatchEntryId.New("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
	}
	for i := range n {
		x := *id(i)
		if _, ok := seen[x]; ok {
			return sqsapi.BatchEntryIdsNotDistinct.Newf("Id %s repeated.", x)
		}
		seen[x] = struct{}{}
	}
	return nil
}

func validBatchID(id string) bool {
	if len(id) < 1 || len(id) > 80 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// failed is the entry for what went wrong with one entry of a batch. An error
// that is not for clients fails the whole request, so it is returned.
func failed(id *string, err error) (sqsapi.BatchResultErrorEntry, error) {
	var e *smithy.APIError
	if !errors.As(err, &e) {
		return sqsapi.BatchResultErrorEntry{}, err
	}
	return sqsapi.BatchResultErrorEntry{
		Id: id, Code: new(e.Code), Message: new(e.Message), SenderFault: new(e.Sender()),
	}, nil
}
