package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

var errPayload = errors.New("push: the payload is not a JSON object of FCM's")

type object = map[string]json.RawMessage

// fcmRequest makes the body of messages:send of what was published for GCM. That is
// either {"fcmV1Message": {"message": ...}}, which is passed on, or of the form
// that FCM's earlier API had. The token, and a TTL of the attributes, win over what
// is in it.
//
// Source: AWS, "Using FCM v1 payloads in Amazon SNS"; Firebase, "Migrate from
// legacy FCM APIs to HTTP v1".
func fcmRequest(token, payload string, attributes map[string]string) ([]byte, error) {
	ttl, err := fcmTTL(attributes)
	if err != nil {
		return nil, err
	}
	var published object
	if json.Unmarshal([]byte(payload), &published) != nil || published == nil {
		return nil, errPayload
	}
	request := object{}
	if v1, ok := published["fcmV1Message"]; ok {
		if json.Unmarshal(v1, &request) != nil || request == nil {
			return nil, errPayload
		}
	} else if request, err = convert(published); err != nil {
		return nil, err
	}
	message := object{}
	if raw := request["message"]; raw != nil {
		if json.Unmarshal(raw, &message) != nil || message == nil {
			return nil, errPayload
		}
	}
	delete(message, "topic")
	delete(message, "condition")
	message["token"] = quote(token)
	if ttl != "" {
		android := object{}
		if raw := message["android"]; raw != nil {
			if json.Unmarshal(raw, &android) != nil || android == nil {
				return nil, errPayload
			}
		}
		android["ttl"] = quote(ttl)
		message["android"] = marshal(android)
	}
	request["message"] = marshal(message)
	body := marshal(request)
	if !json.Valid(body) {
		return nil, errPayload
	}
	return body, nil
}

// legacy is the earlier API's message, as far as it has something to say in the
// new one.
type legacy struct {
	Notification object `json:"notification"`
	Data         object `json:"data"`

	CollapseKey           string          `json:"collapse_key"`
	Priority              string          `json:"priority"`
	TimeToLive            json.RawMessage `json:"time_to_live"` // a number, or that as a string
	RestrictedPackageName string          `json:"restricted_package_name"`
	DryRun                bool            `json:"dry_run"`
	ContentAvailable      bool            `json:"content_available"`
	MutableContent        bool            `json:"mutable_content"`
}

// androidKeys are the keys of a notification that are Android's in the new API.
var androidKeys = map[string]string{ // never written
	"icon": "icon", "color": "color", "sound": "sound", "tag": "tag", "click_action": "click_action",
	"body_loc_key": "body_loc_key", "body_loc_args": "body_loc_args",
	"title_loc_key": "title_loc_key", "title_loc_args": "title_loc_args",
	"android_channel_id": "channel_id",
}

func convert(published object) (object, error) {
	var l legacy
	if json.Unmarshal(marshal(published), &l) != nil {
		return nil, errPayload
	}
	message := object{}
	if data := l.data(); len(data) > 0 {
		message["data"] = marshal(data)
	}
	both, forAndroid, forApple := l.notification()
	if len(both) > 0 {
		message["notification"] = marshal(both)
	}
	android := l.android()
	if len(forAndroid) > 0 {
		android["notification"] = marshal(forAndroid)
	}
	if len(android) > 0 {
		message["android"] = marshal(android)
	}
	if l.ContentAvailable {
		forApple["content-available"] = json.RawMessage("1")
	}
	if l.MutableContent {
		forApple["mutable-content"] = json.RawMessage("1")
	}
	if len(forApple) > 0 {
		message["apns"] = marshal(object{"payload": marshal(object{"aps": marshal(forApple)})})
	}
	request := object{"message": marshal(message)}
	if l.DryRun {
		request["validate_only"] = json.RawMessage("true")
	}
	return request, nil
}

// data has only strings in the new API.
func (l *legacy) data() object {
	out := object{}
	for name, raw := range l.Data {
		switch {
		case bytes.Equal(raw, []byte("null")):
		case raw[0] == '"':
			out[name] = raw
		default:
			out[name] = quote(string(raw))
		}
	}
	return out
}

func (l *legacy) notification() (both, android, apple object) {
	both, android, apple = object{}, object{}, object{}
	for name, raw := range l.Notification {
		switch {
		case name == "title" || name == "body" || name == "image":
			both[name] = raw
		case androidKeys[name] != "":
			android[androidKeys[name]] = raw
		}
		switch name {
		case "body_loc_args", "title_loc_args": // a list, or that as a string
			if s := unquote(raw); s != "" && json.Valid([]byte(s)) {
				android[name] = json.RawMessage(s)
			}
		case "sound":
			apple["sound"] = raw
		case "badge": // a number, or that as a string
			if s := unquote(raw); json.Valid([]byte(s)) {
				raw = json.RawMessage(s)
			}
			apple["badge"] = raw
		case "click_action":
			apple["category"] = raw
		}
	}
	return both, android, apple
}

func (l *legacy) android() object {
	out := object{}
	if l.CollapseKey != "" {
		out["collapse_key"] = quote(l.CollapseKey)
	}
	if l.Priority != "" {
		out["priority"] = quote(strings.ToUpper(l.Priority))
	}
	if l.RestrictedPackageName != "" {
		out["restricted_package_name"] = quote(l.RestrictedPackageName)
	}
	if ttl := strings.Trim(string(l.TimeToLive), `"`); ttl != "" && ttl != "null" {
		out["ttl"] = quote(ttl + "s")
	}
	return out
}

// quote makes a JSON string, and leaves <, > and & as they are.
func quote(s string) json.RawMessage { return marshal(s) }

// unquote is the value of a JSON string; "" for anything else.
func unquote(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// marshal is for strings, and what came from JSON. That may be nested as deeply as JSON
// is read, and a level more is not written: the result is empty then, which is no JSON,
// so that nothing around it can be written either.
func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return json.RawMessage{}
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
