package push

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

// apnsTokenLife is how long a provider token is used. Apple refuses those over an
// hour old, and who makes them more often than each 20 minutes.
const apnsTokenLife = 50 * time.Minute

var (
	errTTL    = errors.New("push: TTL is not a number of seconds")
	errHeader = errors.New("push: an attribute has characters that a header cannot have")
)

// sendAPNS posts to APNs.
//
// Source: Apple, "Sending notification requests to APNs" and "Handling notification
// responses from APNs"; for the attributes, AWS, "Amazon SNS message attributes".
func (s *Sender) sendAPNS(ctx context.Context, t Target, payload string, attributes map[string]string) Result {
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"spillway"}}
	topic, transport := t.Credentials["ApplePlatformBundleID"], s.plain
	id, bearer, fresh := digest{}, "", true
	if t.Credentials["ApplePlatformTeamID"] != "" {
		var err error
		id = digestOf("APNS", t.Credentials["ApplePlatformTeamID"], t.Credentials["PlatformPrincipal"], t.Credentials["PlatformCredential"])
		bearer, fresh, err = s.tokens.get(ctx, id, func(context.Context) (string, time.Time, error) { return mintAPNS(t.Credentials) })
		if err != nil {
			return failed(err, ctx.Err() == nil)
		}
		header.Set("Authorization", "bearer "+bearer)
	} else {
		c, err := s.certs.get(t.Credentials["PlatformPrincipal"], t.Credentials["PlatformCredential"])
		if err != nil {
			return failed(err, true)
		}
		topic, transport = c.topic, c.transport
	}
	if err := apnsHeader(header, t.Platform, topic, payload, attributes); err != nil {
		return failed(err, true)
	}
	base := s.options.APNSURL
	if strings.HasSuffix(t.Platform, "_SANDBOX") {
		base = s.options.APNSSandboxURL
	}
	a := deliver.Post(ctx, transport, deliver.Request{
		URL: base + "/3/device/" + url.PathEscape(t.Token), Header: header, Body: []byte(payload),
	}, maxAnswer, s.options.Timeout)
	if a.Err == nil && a.Response == "" {
		a.Response = a.Header.Get("Apns-Id") // success has no body
	}
	r := Result{Outcome: a.Outcome}
	var answer struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(a.Body, &answer) // other answers have no reason
	switch answer.Reason {
	case "BadDeviceToken", "Unregistered", "ExpiredToken": // DeviceTokenNotForTopic can be the publisher's mistake
		r.Gone = true
	case "ExpiredProviderToken", "InvalidProviderToken":
		s.tokens.drop(id, bearer)
		r.Permanent = fresh
	}
	return r
}

func mintAPNS(credentials map[string]string) (string, time.Time, error) {
	key, err := parseKey(credentials["PlatformCredential"])
	if err != nil {
		return "", time.Time{}, err
	}
	now := time.Now()
	value, err := signJWT(key,
		map[string]any{"kid": credentials["PlatformPrincipal"]},
		map[string]any{"iss": credentials["ApplePlatformTeamID"], "iat": now.Unix()})
	return value, now.Add(apnsTokenLife), err
}

// apnsHeader sets what APNs wants to know beside the payload. An attribute is
// looked for under the platform's name, and then under APNS.
func apnsHeader(h http.Header, platform, topic, payload string, attributes map[string]string) error {
	find := func(name string) (string, bool) { return attribute(attributes, platform+"."+name, "APNS."+name) }
	voip := strings.HasPrefix(platform, "APNS_VOIP")

	kind, ok := find("PUSH_TYPE")
	if !ok {
		kind = pushType(voip, payload)
	}
	h.Set("Apns-Push-Type", kind)
	if priority, ok := find("PRIORITY"); ok {
		h.Set("Apns-Priority", priority)
	} else if kind == "background" {
		h.Set("Apns-Priority", "5") // APNs accepts no other
	}
	if override, ok := find("TOPIC"); ok {
		topic = override
	} else if voip && topic != "" && !strings.HasSuffix(topic, ".voip") {
		topic += ".voip"
	}
	if topic != "" {
		h.Set("Apns-Topic", topic)
	}
	if collapse, ok := find("COLLAPSE_ID"); ok {
		h.Set("Apns-Collapse-Id", collapse)
	}
	if ttl, ok := find("TTL"); ok {
		seconds, err := strconv.ParseUint(ttl, 10, 31)
		if err != nil {
			return errTTL
		}
		expires := int64(0) // now or never
		if seconds > 0 {
			expires = time.Now().Unix() + int64(seconds)
		}
		h.Set("Apns-Expiration", strconv.FormatInt(expires, 10))
	}
	for _, values := range h {
		if strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' || r > '~' }) {
			return errHeader
		}
	}
	return nil
}

// pushType is what a payload is without an attribute that says so: devices drop
// what is announced as something else. SNS takes everything for an alert.
func pushType(voip bool, payload string) string {
	if voip {
		return "voip"
	}
	var p struct {
		APS map[string]json.RawMessage `json:"aps"`
	}
	_ = json.Unmarshal([]byte(payload), &p) // APNs says what is wrong with it
	if p.APS["content-available"] != nil && p.APS["alert"] == nil && p.APS["badge"] == nil && p.APS["sound"] == nil {
		return "background"
	}
	return "alert"
}
