package sns

import (
	"encoding/json"
	"fmt"

	"github.com/spillway/spillway/internal/catalog"
)

// Kinds of catalog records.
const (
	kindTopic        = "sns.topic"        // region/account/topic: topicRecord
	kindSubscription = "sns.subscription" // region/account/topic/uuid: subscriptionRecord
	kindApplication  = "sns.application"  // region/account/platform/name: applicationRecord
	kindEndpoint     = "sns.endpoint"     // region/account/platform/application/uuid: endpointRecord
	kindSMS          = "sns.sms"          // region/account: smsRecord
	kindOutbox       = "sns.outbox"       // "queue": id of the outbox in the engine, decimal
)

// topicRecord is a topic as the catalog stores it, in JSON.
type topicRecord struct {
	// ID is the topic's queue in the engine, which makes the order of a FIFO topic;
	// Archive is its archive's, 0 while it has none.
	ID      uint64 `json:"id"`
	Archive uint64 `json:"archive,omitempty"`
	// Attributes are those that were set; the others have their default.
	Attributes map[string]string `json:"attributes,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Protection string            `json:"protection,omitempty"` // data protection policy
	Created    int64             `json:"created"`              // unix ms
	// Deleted counts subscriptions that ended.
	Deleted  int64 `json:"deleted,omitempty"`
	Archived int64 `json:"archived,omitempty"` // unix ms since when messages are archived
}

// subscriptionRecord is a subscription as the catalog stores it, in JSON.
type subscriptionRecord struct {
	ID         uint64            `json:"id"` // of its queue in the engine
	Protocol   string            `json:"protocol"`
	Endpoint   string            `json:"endpoint"`
	Owner      string            `json:"owner"`
	Principal  string            `json:"principal"` // ARN of who subscribed
	Attributes map[string]string `json:"attributes,omitempty"`
	Created    int64             `json:"created"` // unix ms
	// Token confirms it, or restores it after it ended; "" if nothing is to confirm.
	Token       string `json:"token,omitempty"`
	TokenMade   int64  `json:"tokenMade,omitempty"` // unix ms
	Pending     bool   `json:"pending,omitempty"`
	AuthConfirm bool   `json:"authConfirm,omitempty"` // confirmed by a signed call
	AuthEnd     bool   `json:"authEnd,omitempty"`     // only a signed call ends it
	// Base is the URL under which the subscriber reaches this server.
	Base string `json:"base"`
	// Ended is when it was ended (unix ms), by Unsubscribe or with its topic: it gets
	// nothing any more, and is kept for the time in which that can be undone.
	Ended  int64 `json:"ended,omitempty"`
	Orphan bool  `json:"orphan,omitempty"` // its topic was deleted
	// Replay is how far a replay came, "" without one.
	Replay *replayRecord `json:"replay,omitempty"`
}

// replayRecord is the state of a replay from the topic's archive.
type replayRecord struct {
	Began  int64  `json:"began"`           // unix ms
	From   int64  `json:"from"`            // unix ms
	Until  int64  `json:"until,omitempty"` // unix ms, 0 for none
	After  uint64 `json:"after"`           // sequence in the archive that was replayed last
	Status string `json:"status"`          // Pending, In progress, Completed, Failed
}

// get reads a record of a kind; ok is false if there is none.
func get[R any](tx *catalog.Tx, kind, key string) (r R, ok bool, err error) {
	value, ok := tx.Get(kind, key)
	if !ok {
		return r, false, nil
	}
	return r, true, json.Unmarshal(value, &r)
}

func put[R any](tx *catalog.Tx, kind, key string, r *R) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("sns: write %s %s: %w", kind, key, err)
	}
	tx.Put(kind, key, value)
	return nil
}
