package sns

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// smsRecord is what the catalog keeps of an account's text messages in a region, in
// JSON.
type smsRecord struct {
	Attributes map[string]string        `json:"attributes,omitempty"`
	OptedOut   map[string]bool          `json:"optedOut,omitempty"` // by number
	Sandbox    map[string]sandboxNumber `json:"sandbox,omitempty"`  // by number
}

// sandboxNumber is a number that its owner verifies with a code sent to it.
type sandboxNumber struct {
	Verified bool   `json:"verified,omitempty"`
	Code     string `json:"code,omitempty"`
	Sent     int64  `json:"sent,omitempty"` // unix ms
}

func (s *Service) smsChanged(key string, value []byte) {
	region, account, _ := strings.Cut(key, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	var r smsRecord
	switch {
	case value == nil:
		delete(s.sms, zone{region, account})
	case json.Unmarshal(value, &r) != nil:
		s.logger.Error("catalog: malformed SMS record", "key", key)
	default:
		s.sms[zone{region, account}] = &r
	}
}

var noSMS smsRecord

// smsOf returns an account's record, which must not be changed.
func (s *Service) smsOf(z zone) *smsRecord {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.sms[z]; r != nil {
		return r
	}
	return &noSMS
}

// changeSMS changes an account's record.
func (s *Service) changeSMS(ctx context.Context, z zone, change func(r *smsRecord) error) error {
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, _, err := get[smsRecord](tx, kindSMS, z.key())
		if err != nil {
			return err
		}
		if r.Attributes == nil {
			r.Attributes = make(map[string]string)
		}
		if r.OptedOut == nil {
			r.OptedOut = make(map[string]bool)
		}
		if r.Sandbox == nil {
			r.Sandbox = make(map[string]sandboxNumber)
		}
		if err := change(&r); err != nil {
			return err
		}
		return put(tx, kindSMS, z.key(), &r)
	}))
}

// plainNumber is a number without its separators.
func plainNumber(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-./ ", r) {
			return -1
		}
		return r
	}, s)
}

// validE164 reports whether s is a number as Publish and the SMS operations take it.
func validE164(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == "" && digits[0] != '0'
}

func checkNumber(s string) error {
	if !validE164(s) {
		return invalid("PhoneNumber Reason: input incorrectly formatted")
	}
	return nil
}

// smsAttributes can be set, each with its check.
var smsAttributes = map[string]func(v string) bool{
	"MonthlySpendLimit":                 isNumber,
	"DeliveryStatusIAMRole":             func(v string) bool { return v == "" || strings.HasPrefix(v, "arn:aws") },
	"DeliveryStatusSuccessSamplingRate": func(v string) bool { return v != "" && strings.Trim(v, "0123456789") == "" && len(v) <= 3 },
	"DefaultSenderID":                   validSenderID,
	"DefaultSMSType":                    func(v string) bool { return v == "Promotional" || v == "Transactional" },
	"UsageReportS3Bucket":               func(string) bool { return true },
}

// validSenderID: 1 to 11 letters and digits, at least one a letter.
func validSenderID(v string) bool {
	letters := strings.Trim(v, "0123456789")
	return v != "" && len(v) <= 11 && letters != "" && strings.IndexFunc(v, func(r rune) bool { return r > 127 || !isWord(byte(r)) || r == '_' || r == '-' }) < 0
}

func checkSMSAttributes(given map[string]string) error {
	for _, attribute := range slices.Sorted(maps.Keys(given)) {
		check, ok := smsAttributes[attribute]
		switch {
		case !ok:
			return snsapi.InvalidParameterException.Newf("%s is not a valid attribute", attribute)
		case !check(given[attribute]):
			return snsapi.InvalidParameterException.Newf("%s is invalid", attribute)
		}
	}
	return nil
}

// publishToPhone is Publish to a phone number.
func (s *Service) publishToPhone(ctx context.Context, c *service.Call, number string, d *draft) (*snsapi.PublishResponse, error) {
	if !validE164(number) {
		return nil, invalid("PhoneNumber Reason: %s is not valid to publish to", number)
	}
	return s.publishDirect(ctx, c, "sms", number, d)
}

// publishDirect stores a message to one endpoint or number.
func (s *Service) publishDirect(ctx context.Context, c *service.Call, protocol, to string, d *draft) (*snsapi.PublishResponse, error) {
	n, err := s.compose(c, nil, d)
	if err != nil {
		return nil, err
	}
	n.Protocol, n.Endpoint = protocol, to
	n.Region, n.Account = c.Region, c.Account()
	s.stats.Published.Add(1)
	if err := engineError(s.enqueue([]*copyOf{s.keep(s.directSubscription(), n)})); err != nil {
		return nil, err
	}
	return &snsapi.PublishResponse{MessageId: new(n.ID)}, nil
}

// directSubscription stands for the subscription that such messages do not have.
func (s *Service) directSubscription() *subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return &subscription{subscriptionRecord: subscriptionRecord{Protocol: "direct"}, queue: s.direct}
}

// OptOut notes that a number wants no more text messages from an account, or does again:
// what its owner writes to STOP with, which the gateway hears.
func (s *Service) OptOut(ctx context.Context, region, account, number string, out bool) error {
	number = plainNumber(number)
	if err := checkNumber(number); err != nil {
		return err
	}
	return s.changeSMS(ctx, zone{region, account}, func(r *smsRecord) error {
		if out {
			r.OptedOut[number] = true
		} else {
			delete(r.OptedOut, number)
		}
		return nil
	})
}
