package sns

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// Subscribe subscribes an endpoint to a topic, or returns the ARN of its subscription
// if none of the attributes given differs. HTTP and e-mail endpoints have to confirm.
//
// AWS: API_Subscribe.
func init() {
	service.Register(&operations, snsapi.Subscribe, (*Service).accessSubscribe, (*Service).Subscribe)
}

func (s *Service) accessSubscribe(c *service.Call, in *snsapi.SubscribeInput) (service.Access, error) {
	a, err := s.accessTopic(c, "SNS:Subscribe", "TopicArn", in.TopicArn, in)
	if err == nil {
		c.Conditions.Keys["sns:protocol"] = []string{deref(in.Protocol)}
		c.Conditions.Keys["sns:endpoint"] = []string{deref(in.Endpoint)}
	}
	return a, err
}

// pendingConfirmation stands for an ARN until the subscription is confirmed.
const pendingConfirmation = "pending confirmation"

// Subscribe implements the operation.
func (s *Service) Subscribe(ctx context.Context, c *service.Call, in *snsapi.SubscribeInput) (*snsapi.SubscribeResponse, error) {
	t, err := s.resolveTopic(c, in.TopicArn)
	if err != nil {
		return nil, err
	}
	sub, err := s.subscribe(ctx, t, &subscriptionRecord{
		Protocol: deref(in.Protocol), Endpoint: deref(in.Endpoint), Owner: c.Account(), Principal: c.Principal.ARN,
		Created: c.Now.UnixMilli(), Base: s.base(c.BaseURL), Pending: protocols[deref(in.Protocol)].confirms,
	}, in.Attributes)
	if err != nil {
		return nil, err
	}
	if sub.Pending && (in.ReturnSubscriptionArn == nil || !*in.ReturnSubscriptionArn) {
		return &snsapi.SubscribeResponse{SubscriptionArn: new(pendingConfirmation)}, nil
	}
	return &snsapi.SubscribeResponse{SubscriptionArn: new(sub.arn())}, nil
}

// base is the URL under which subscribers reach this server.
func (s *Service) base(called string) string {
	if s.config.URL != "" {
		return s.config.URL
	}
	return called
}

// made is a subscription that subscribe made or found.
type made struct {
	subscriptionName
	subscriptionRecord
}

// subscribe makes the subscription, or finds the one of the same endpoint. If r is
// pending, its endpoint is asked to confirm.
func (s *Service) subscribe(ctx context.Context, t *topic, r *subscriptionRecord, attributes map[string]string) (made, error) {
	if err := s.checkEndpoint(t.name, r.Protocol, r.Endpoint); err != nil {
		return made{}, err
	}
	checked, problem := changeAttributes(t.name, r, attributes)
	if problem != "" {
		return made{}, invalid("Attributes Reason: %s", problem)
	}
	if r.Protocol == "firehose" && checked[attrRole] == "" {
		return made{}, invalid("Attributes Reason: SubscriptionRoleArn: must be set for protocol firehose")
	}
	r.Attributes = checked
	if problem := startReplay(t, r, time.UnixMilli(r.Created)); problem != "" {
		return made{}, invalid("Attributes Reason: %s", problem)
	}
	if r.Pending {
		r.Token, r.TokenMade = newToken(), r.Created
	} else {
		r.AuthConfirm = true // by the call that subscribes (recorded)
	}
	id := newUUID()
	var out made
	err := s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		if topic, ok, err := get[topicRecord](tx, kindTopic, t.key()); err != nil {
			return err
		} else if !ok || topic.ID != t.ID {
			return errNoTopic() // deleted just now
		}
		// By endpoint, so that two calls at the same time make one.
		key := endpointKey(t.ID, r.Protocol, r.Endpoint)
		if held, ok := tx.Get(kindSubscribed, key); ok {
			n := subscriptionName{t.name, string(held)}
			old, ok, err := get[subscriptionRecord](tx, kindSubscription, n.key())
			if err != nil {
				return err
			}
			if ok && old.Ended == 0 {
				return again(tx, n, old, r, attributes, &out)
			}
		}
		out = made{subscriptionName{t.name, id}, *r}
		out.ID = tx.NextID()
		tx.Put(kindSubscribed, key, []byte(id))
		return put(tx, kindSubscription, out.key(), &out.subscriptionRecord)
	})
	if err != nil {
		return made{}, engineError(err)
	}
	if out.Pending {
		return out, s.sendConfirmation(ctx, out, typeSubscribe)
	}
	return out, nil
}

// kindSubscribed finds a subscription by its endpoint.
const kindSubscribed = "sns.subscribed" // id of the topic/protocol/endpoint: uuid

func endpointKey(topicID uint64, protocol, endpoint string) string {
	return fmt.Sprintf("%d/%s/%s", topicID, protocol, endpoint)
}

// again is the subscription of an endpoint that has one. A pending one gets a new
// token, or is confirmed if the configuration declares it.
func again(tx *catalog.Tx, n subscriptionName, old subscriptionRecord, r *subscriptionRecord, given map[string]string, out *made) error {
	for attribute := range given {
		if subscriptionValue(&old, attribute) != subscriptionValue(r, attribute) {
			return invalid("Attributes Reason: Subscription already exists with different attributes")
		}
	}
	if old.Pending {
		old.Pending, old.Token, old.TokenMade, old.Base = r.Pending, r.Token, r.TokenMade, r.Base
		if err := put(tx, kindSubscription, n.key(), &old); err != nil {
			return err
		}
	}
	*out = made{n, old}
	return nil
}

// subscriptionValue is an attribute's value in force.
func subscriptionValue(r *subscriptionRecord, attribute string) string {
	if value, ok := r.Attributes[attribute]; ok {
		return value
	}
	switch attribute {
	case attrRaw:
		return "false"
	case attrFilterScope:
		return scopeAttributes
	}
	return ""
}

// newToken is a confirmation token: random, in the length that AWS's have.
func newToken() string {
	var b [128]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return formatUUID(b)
}

func formatUUID(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[0:], id[:4])
	hex.Encode(b[9:], id[4:6])
	hex.Encode(b[14:], id[6:8])
	hex.Encode(b[19:], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// DeclareSubscription makes a subscription unless it exists, without confirmation: for
// those that the configuration file names.
func (s *Service) DeclareSubscription(ctx context.Context, region, topicName, baseURL string, in *snsapi.SubscribeInput) error {
	t, err := s.find(name{region, s.config.Account, topicName})
	if err != nil {
		return err
	}
	r := &subscriptionRecord{
		Protocol: deref(in.Protocol), Endpoint: deref(in.Endpoint), Owner: t.account,
		Principal: "arn:aws:iam::" + t.account + ":root", Created: time.Now().UnixMilli(), Base: s.base(baseURL),
	}
	_, err = s.subscribe(ctx, t, r, in.Attributes)
	return err
}
