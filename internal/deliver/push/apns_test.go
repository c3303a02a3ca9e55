package push_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/deliver/push"
)

const alert = `{"aps":{"alert":"hello"}}`

func keyTarget(t *testing.T, platform string) (push.Target, *services) {
	t.Helper()
	key := newECKey(t)
	return push.Target{Platform: platform, Token: "00fc13ad", Credentials: map[string]string{
		"PlatformCredential": pemOf(t, key), "PlatformPrincipal": "KEYID", "ApplePlatformTeamID": "TEAM", "ApplePlatformBundleID": "com.example.app",
	}}, serve(t, push.Options{})
}

func TestAPNSWithKey(t *testing.T) {
	t.Parallel()
	s := serve(t, push.Options{})
	key := newECKey(t)
	lines := strings.Split(strings.TrimSpace(pemOf(t, key)), "\n")
	for i, credential := range []string{pemOf(t, key), strings.Join(lines[1:len(lines)-1], "\n")} { // with PEM's lines and without
		target := push.Target{Platform: "APNS", Token: "00fc/13ad", Credentials: map[string]string{
			"PlatformCredential": credential, "PlatformPrincipal": "KEYID", "ApplePlatformTeamID": "TEAM", "ApplePlatformBundleID": "com.example.app",
		}}
		r := s.sender.Send(t.Context(), target, alert, nil)
		if r.Err != nil || r.Status != 200 || r.Response != "an-id" || r.Gone {
			t.Fatalf("%+v", r)
		}
		got := s.took()
		if len(got) != 1 || got[0].target != "POST /apns/3/device/00fc%2F13ad" || got[0].proto != "HTTP/2.0" || got[0].body != alert {
			t.Fatalf("%d: %+v", i, got)
		}
		h := got[0].header
		if h.Get("Apns-Topic") != "com.example.app" || h.Get("Apns-Push-Type") != "alert" || h["Apns-Priority"] != nil || h["Apns-Expiration"] != nil || h["Idempotency-Key"] != nil {
			t.Errorf("%v", h)
		}
		bearer := strings.TrimPrefix(h.Get("Authorization"), "bearer ")
		header, claims := readJWT(t, bearer, key.Public())
		if header["alg"] != "ES256" || header["kid"] != "KEYID" || claims["iss"] != "TEAM" {
			t.Errorf("%v %v", header, claims)
		}
		s.sender.Send(t.Context(), target, alert, nil)
		if again := s.took()[0].header.Get("Authorization"); again != "bearer "+bearer {
			t.Error("the token was not kept")
		}
	}
}

func TestAPNSWithCertificate(t *testing.T) {
	t.Parallel()
	s := serve(t, push.Options{})
	for _, name := range []string{"one", "two", "one"} {
		certificate, key := clientCertificate(t, name, "com.example."+name)
		target := push.Target{Platform: "APNS_SANDBOX", Token: "t", Credentials: map[string]string{"PlatformCredential": key, "PlatformPrincipal": certificate}}
		for range 2 {
			if r := s.sender.Send(t.Context(), target, alert, nil); r.Err != nil {
				t.Fatal(r.Err)
			}
			got := s.took()[0]
			if got.target != "POST /sandbox/3/device/t" || got.certificate != name || got.header.Get("Apns-Topic") != "com.example."+name || got.header["Authorization"] != nil {
				t.Errorf("%+v", got)
			}
		}
	}
	for _, credentials := range []map[string]string{nil, {"PlatformCredential": "secret", "PlatformPrincipal": "secret"}} {
		r := s.sender.Send(t.Context(), push.Target{Platform: "APNS", Token: "t", Credentials: credentials}, alert, nil)
		if r.Err == nil || !r.Permanent || strings.Contains(r.Err.Error(), "secret") {
			t.Errorf("%+v", r)
		}
	}
}

// TestManyCertificates: connections are of the last 64.
func TestManyCertificates(t *testing.T) {
	t.Parallel()
	s := serve(t, push.Options{})
	for i := range 70 {
		certificate, key := clientCertificate(t, strconv.Itoa(i), "com.example")
		r := s.sender.Send(t.Context(), push.Target{Platform: "APNS", Token: "t", Credentials: map[string]string{"PlatformCredential": key, "PlatformPrincipal": certificate}}, alert, nil)
		if got := s.took(); r.Err != nil || got[0].certificate != strconv.Itoa(i) {
			t.Fatalf("%+v, %+v", r, got)
		}
	}
}

func TestAPNSHeaders(t *testing.T) {
	t.Parallel()
	const prefix = "AWS.SNS.MOBILE."
	for _, test := range []struct {
		platform, payload string
		attributes        map[string]string
		want              map[string]string // without "Apns-"
	}{
		{"APNS", `{"aps":{"content-available":1}}`, nil, map[string]string{"Push-Type": "background", "Priority": "5", "Topic": "com.example.app"}},
		{"APNS", `{"aps":{"content-available":1,"alert":"x"}}`, nil, map[string]string{"Push-Type": "alert", "Topic": "com.example.app"}},
		{"APNS", `not JSON`, nil, map[string]string{"Push-Type": "alert", "Topic": "com.example.app"}},
		{"APNS_VOIP", alert, nil, map[string]string{"Push-Type": "voip", "Topic": "com.example.app.voip"}},
		{"APNS_VOIP_SANDBOX", alert, nil, map[string]string{"Push-Type": "voip", "Topic": "com.example.app.voip"}},
		{"MACOS", alert, nil, map[string]string{"Push-Type": "alert", "Topic": "com.example.app"}},
		{"APNS", alert, map[string]string{
			prefix + "APNS.PUSH_TYPE": "complication", prefix + "APNS.PRIORITY": "10", prefix + "APNS.TOPIC": "other",
			prefix + "APNS.COLLAPSE_ID": "c", prefix + "APNS.TTL": "0", prefix + "GCM.TTL": "7", "TTL": "8",
		}, map[string]string{"Push-Type": "complication", "Priority": "10", "Topic": "other", "Collapse-Id": "c", "Expiration": "0"}},
		{"APNS_SANDBOX", alert, map[string]string{prefix + "APNS.PRIORITY": "5", prefix + "APNS.TTL": "x", prefix + "APNS_SANDBOX.TTL": "0"},
			map[string]string{"Push-Type": "alert", "Priority": "5", "Topic": "com.example.app", "Expiration": "0"}},
	} {
		target, s := keyTarget(t, test.platform)
		if r := s.sender.Send(t.Context(), target, test.payload, test.attributes); r.Err != nil {
			t.Errorf("%s: %v", test.platform, r.Err)
			continue
		}
		h := s.took()[0].header
		for _, name := range []string{"Push-Type", "Priority", "Topic", "Collapse-Id", "Expiration"} {
			if got := h.Get("Apns-" + name); got != test.want[name] {
				t.Errorf("%s %s: %s is %q", test.platform, test.payload, name, got)
			}
		}
	}

	target, s := keyTarget(t, "APNS")
	before := time.Now().Unix()
	s.sender.Send(t.Context(), target, alert, map[string]string{prefix + "APNS.TTL": "3600"})
	if at, _ := strconv.ParseInt(s.took()[0].header.Get("Apns-Expiration"), 10, 64); at < before+3600 || at > before+3660 {
		t.Errorf("expires at %d", at)
	}
	for name, value := range map[string]string{"TTL": "soon", "COLLAPSE_ID": "a\r\nb: c", "TOPIC": "é"} {
		r := s.sender.Send(t.Context(), target, alert, map[string]string{prefix + "APNS." + name: value})
		if r.Err == nil || !r.Permanent || len(s.took()) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAPNSErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer          answer
		permanent, gone bool
	}{
		{answer{410, `{"reason":"Unregistered","timestamp":1}`}, true, true},
		{answer{410, `{"reason":"ExpiredToken"}`}, true, true},
		{answer{400, `{"reason":"BadDeviceToken"}`}, true, true},
		{answer{400, `{"reason":"DeviceTokenNotForTopic"}`}, true, false},
		{answer{413, `{"reason":"PayloadTooLarge"}`}, true, false},
		{answer{403, `{"reason":"InvalidProviderToken"}`}, true, false},
		{answer{429, `{"reason":"TooManyRequests"}`}, false, false},
		{answer{500, `{"reason":"InternalServerError"}`}, false, false},
		{answer{503, `oops`}, false, false},
	} {
		target, s := keyTarget(t, "APNS")
		s.answer(test.answer)
		r := s.sender.Send(t.Context(), target, alert, nil)
		if r.Err == nil || r.Status != test.answer.status || r.Response != test.answer.body || r.Permanent != test.permanent || r.Gone != test.gone {
			t.Errorf("%+v", r)
		}
	}
}

// TestAPNSTokenExpires: a token that was kept too long is replaced.
func TestAPNSTokenExpires(t *testing.T) {
	t.Parallel()
	target, s := keyTarget(t, "APNS")
	s.sender.Send(t.Context(), target, alert, nil)
	s.answer(answer{http.StatusForbidden, `{"reason":"ExpiredProviderToken"}`})
	if r := s.sender.Send(t.Context(), target, alert, nil); r.Err == nil || r.Permanent || r.Gone {
		t.Errorf("%+v", r)
	}
	if r := s.sender.Send(t.Context(), target, alert, nil); r.Err != nil {
		t.Error(r.Err)
	}
	got := s.took()
	if a := got[1].header.Get("Authorization"); a != got[0].header.Get("Authorization") || a == got[2].header.Get("Authorization") {
		t.Error("the token that was refused is still used")
	}
}

func TestSupported(t *testing.T) {
	t.Parallel()
	for platform, want := range map[string]bool{
		"APNS": true, "APNS_SANDBOX": true, "APNS_VOIP": true, "APNS_VOIP_SANDBOX": true, "MACOS": true, "MACOS_SANDBOX": true, "GCM": true, "FCM": true,
		"ADM": false, "BAIDU": false, "MPNS": false, "WNS": false, "": false, "GCM_SANDBOX": false,
	} {
		if push.Supported(platform) != want {
			t.Errorf("%q", platform)
		}
		if want {
			continue
		}
		s := serve(t, push.Options{})
		if r := s.sender.Send(t.Context(), push.Target{Platform: platform}, alert, nil); r.Err == nil || !r.Permanent {
			t.Errorf("%q: %+v", platform, r)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	target, s := keyTarget(t, "APNS")
	s.mu.Lock() // nothing is answered
	var wg sync.WaitGroup
	wg.Go(func() {
		if r := s.sender.Send(context.Background(), target, alert, nil); r.Err == nil || r.Permanent {
			t.Errorf("%+v", r)
		}
	})
	<-s.comes
	s.sender.Close()
	wg.Wait()
	s.mu.Unlock()
	if r := s.sender.Send(t.Context(), target, alert, nil); r.Err == nil || r.Permanent {
		t.Errorf("after Close: %+v", r)
	}
}
