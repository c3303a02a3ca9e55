package push_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/deliver/push"
)

var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func fcmTarget(t *testing.T) (push.Target, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "my-project", "private_key_id": "KID", "private_key": pemOf(t, key),
		"client_email": "sns@my-project.iam.gserviceaccount.com", "token_uri": "http://127.0.0.1:1/not/here",
	})
	if err != nil {
		t.Fatal(err)
	}
	return push.Target{Platform: "GCM", Token: "device", Credentials: map[string]string{"PlatformCredential": string(account)}}, key
}

func TestFCM(t *testing.T) {
	t.Parallel()
	s := serve(t, push.Options{})
	target, key := fcmTarget(t)
	r := s.sender.Send(t.Context(), target, `{"notification":{"title":"a<b"}}`, nil)
	if r.Err != nil || r.Status != 200 || r.Response != `{"name":"projects/p/messages/1"}` || r.Gone {
		t.Fatalf("%+v", r)
	}
	got := s.took()
	if len(got) != 2 || got[0].target != "POST /token" || got[1].target != "POST /fcm/v1/projects/my-project/messages:send" {
		t.Fatalf("%+v", got)
	}
	form, err := url.ParseQuery(got[0].body)
	if err != nil || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		t.Errorf("%v, %v", form, err)
	}
	header, claims := readJWT(t, form.Get("assertion"), key.Public())
	exp, _ := claims["exp"].(float64)
	iat, _ := claims["iat"].(float64)
	aud, _ := claims["aud"].(string)
	if header["alg"] != "RS256" || header["kid"] != "KID" || claims["iss"] != "sns@my-project.iam.gserviceaccount.com" ||
		claims["scope"] != "https://www.googleapis.com/auth/firebase.messaging" || exp-iat != 3600 || !strings.HasSuffix(aud, "/token") {
		t.Errorf("%v %v", header, claims)
	}
	if got[1].header.Get("Authorization") != "Bearer access-1" || got[1].body != `{"message":{"notification":{"title":"a<b"},"token":"device"}}` {
		t.Errorf("%+v", got[1])
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { s.sender.Send(t.Context(), target, `{}`, nil) })
	}
	wg.Wait()
	if got := s.took(); len(got) != 8 {
		t.Errorf("%d requests: the token was not kept", len(got))
	}
}

func TestFCMPayloads(t *testing.T) {
	t.Parallel()
	s := serve(t, push.Options{})
	target, _ := fcmTarget(t)
	for _, test := range []struct {
		payload string
		ttl     string
		want    string
	}{
		{
			payload: `{"data":{"message":"hi","n":12345678901234567890,"o":{"a": [1]},"t":true,"z":null}}`,
			want:    `{"message":{"token":"device","data":{"message":"hi","n":"12345678901234567890","o":"{\"a\":[1]}","t":"true"}}}`,
		},
		{
			payload: `{"notification":{"title":"T","body":"B","image":"I","icon":"i","sound":"s","badge":"3","click_action":"c",
				"body_loc_key":"k","body_loc_args":"[\"a\"]","title_loc_args":["b"],"android_channel_id":"ch","unknown":1},
				"collapse_key":"ck","priority":"high","time_to_live":3600,"restricted_package_name":"p","dry_run":true,
				"content_available":true,"mutable_content":true,"to":"somewhere else"}`,
			want: `{"validate_only":true,"message":{"token":"device","notification":{"title":"T","body":"B","image":"I"},
				"android":{"collapse_key":"ck","priority":"HIGH","ttl":"3600s","restricted_package_name":"p",
					"notification":{"icon":"i","sound":"s","click_action":"c","body_loc_key":"k","body_loc_args":["a"],"title_loc_args":["b"],"channel_id":"ch"}},
				"apns":{"payload":{"aps":{"sound":"s","badge":3,"category":"c","content-available":1,"mutable-content":1}}}}}`,
		},
		{
			payload: `{"fcmV1Message":{"validate_only":false,"message":{"topic":"all","token":"other","data":{"a":"b"},"android":{"ttl":"5s","priority":"high"},"webpush":{}}}}`,
			want:    `{"validate_only":false,"message":{"token":"device","data":{"a":"b"},"android":{"ttl":"5s","priority":"high"},"webpush":{}}}`,
		},
		{
			payload: `{"fcmV1Message":{"message":{"android":{"ttl":"5s"}}}}`, ttl: "60",
			want: `{"message":{"token":"device","android":{"ttl":"60s"}}}`,
		},
		{payload: `{"time_to_live":"5"}`, ttl: "0", want: `{"message":{"token":"device","android":{"ttl":"0s"}}}`},
		{payload: `{"time_to_live":"5"}`, want: `{"message":{"token":"device","android":{"ttl":"5s"}}}`},
		{payload: `{}`, want: `{"message":{"token":"device"}}`},
		{payload: `{"fcmV1Message":{}}`, want: `{"message":{"token":"device"}}`},
		{payload: `hello`},
		{payload: `"hello"`},
		{payload: `null`},
		{payload: `{"data":"x"}`},
		{payload: `{"fcmV1Message":null}`},
		{payload: `{"fcmV1Message":{"message":null}}`},
		{payload: `{"fcmV1Message":{"message":{"android":null}}}`, ttl: "1"},
		{payload: `{}`, ttl: "soon"},
	} {
		attributes := map[string]string{}
		if test.ttl != "" {
			attributes["AWS.SNS.MOBILE.GCM.TTL"] = test.ttl
		}
		r := s.sender.Send(t.Context(), target, test.payload, attributes)
		got := s.took()
		if test.want == "" {
			if r.Err == nil || !r.Permanent || len(got) > 0 {
				t.Errorf("%s: %+v", test.payload, r)
			}
			continue
		}
		if r.Err != nil {
			t.Errorf("%s: %v", test.payload, r.Err)
			continue
		}
		var is, want any
		if json.Unmarshal([]byte(got[len(got)-1].body), &is) != nil || json.Unmarshal([]byte(test.want), &want) != nil || !reflect.DeepEqual(is, want) {
			t.Errorf("%s: %s", test.payload, got[len(got)-1].body)
		}
	}
}

func TestFCMErrors(t *testing.T) {
	t.Parallel()
	fcm := func(code, message string) string {
		return `{"error":{"message":"` + message + `","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"` + code + `"}]}}`
	}
	for _, test := range []struct {
		answer          answer
		permanent, gone bool
	}{
		{answer{404, fcm("UNREGISTERED", "Requested entity was not found.")}, true, true},
		{answer{404, `{"error":{"status":"NOT_FOUND"}}`}, true, false},
		{answer{403, fcm("SENDER_ID_MISMATCH", "SenderId mismatch")}, true, true},
		{answer{400, fcm("INVALID_ARGUMENT", "The registration token is not a valid FCM registration token")}, true, true},
		{answer{400, fcm("INVALID_ARGUMENT", "Message too big")}, true, false},
		{answer{400, `{"error":{"message":"m","details":[{"fieldViolations":[{"field":"message.token"}]}]}}`}, true, true},
		{answer{400, `{"error":{"message":"m","details":[{"fieldViolations":[{"field":"message.data[0].value"}]}]}}`}, true, false},
		{answer{401, fcm("THIRD_PARTY_AUTH_ERROR", "APNs certificate")}, true, false},
		{answer{401, `{"error":{"status":"UNAUTHENTICATED"}}`}, true, false}, // with a token made for it
		{answer{429, fcm("QUOTA_EXCEEDED", "m")}, false, false},
		{answer{503, fcm("UNAVAILABLE", "m")}, false, false},
		{answer{500, `oops`}, false, false},
	} {
		s := serve(t, push.Options{})
		target, _ := fcmTarget(t)
		s.answer(answer{200, `{"access_token":"a","expires_in":3600}`}, test.answer)
		r := s.sender.Send(t.Context(), target, `{}`, nil)
		if r.Err == nil || r.Status != test.answer.status || r.Response != test.answer.body || r.Permanent != test.permanent || r.Gone != test.gone {
			t.Errorf("%+v", r)
		}
	}
}

// TestFCMTokenRevoked: the next attempt gets a new one.
func TestFCMTokenRevoked(t *testing.T) {
	t.Parallel()
	s := serve(t, push.Options{})
	target, _ := fcmTarget(t)
	s.sender.Send(t.Context(), target, `{}`, nil)
	s.answer(answer{401, `{"error":{"status":"UNAUTHENTICATED"}}`})
	if r := s.sender.Send(t.Context(), target, `{}`, nil); r.Err == nil || r.Permanent {
		t.Errorf("%+v", r)
	}
	s.took()
	if r := s.sender.Send(t.Context(), target, `{}`, nil); r.Err != nil {
		t.Error(r.Err)
	}
	if got := s.took(); len(got) != 2 || got[1].header.Get("Authorization") != "Bearer access-2" {
		t.Errorf("%+v", got)
	}
}

func TestFCMTokenRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer    answer
		permanent bool
	}{
		{answer{400, `{"error":"invalid_grant"}`}, true},
		{answer{503, ``}, false},
		{answer{200, `{}`}, false},
		{answer{200, `secret`}, false},
	} {
		s := serve(t, push.Options{})
		target, _ := fcmTarget(t)
		s.answer(test.answer)
		r := s.sender.Send(t.Context(), target, `{}`, nil)
		if r.Err == nil || r.Permanent != test.permanent || r.Gone || len(s.took()) != 1 || strings.Contains(r.Response+r.Err.Error(), "secret") {
			t.Errorf("%v: %+v", test.answer, r)
		}
		if r := s.sender.Send(t.Context(), target, `{}`, nil); r.Err != nil {
			t.Errorf("afterwards: %v", r.Err)
		}
	}
	s := serve(t, push.Options{})
	for _, credential := range []string{"", "AIzaSecret", `{"project_id":"p"}`, `{"project_id":"p","client_email":"e","private_key":"AIzaSecret"}`} {
		r := s.sender.Send(t.Context(), push.Target{Platform: "GCM", Token: "t", Credentials: map[string]string{"PlatformCredential": credential}}, `{}`, nil)
		if r.Err == nil || !r.Permanent || strings.Contains(r.Err.Error(), "AIza") || len(s.took()) > 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := serve(t, push.Options{Timeout: 200 * time.Millisecond})
	target, _ := fcmTarget(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.sender.Send(t.Context(), target, `{}`, nil); r.Err == nil || r.Permanent {
		t.Errorf("%+v", r)
	}
}

// TestDeepPayload: JSON that can just be read is not always written with a level around
// it. That is the publisher's mistake, and must not be more.
func TestDeepPayload(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for n := range 12 {
		for _, payload := range []string{
			`{"notification":{"sound":` + nested(9990+n) + `}}`,
			`{"notification":{"body_loc_args":"` + nested(9990+n) + `"}}`,
			`{"data":{"k":` + nested(9990+n) + `}}`,
			`{"fcmV1Message":{"message":{"x":` + nested(9990+n) + `}}}`,
		} {
			if body, err := push.FCMRequest("token", payload, map[string]string{"AWS.SNS.MOBILE.GCM.TTL": "60"}); err == nil && !json.Valid(body) {
				t.Errorf("%.40s: %.80s", payload, body)
			}
		}
	}
}
