package sms_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spillway/spillway/internal/deliver/sms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSend(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	status := http.StatusAccepted
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + r.RequestURI + " " + r.Header.Get("Content-Type") + " " + r.Header.Get("Authorization") + " " + string(body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "taken")
	}))
	defer s.Close()
	sender := sms.New(sms.Options{URL: s.URL + "/send", Header: map[string]string{"authorization": "Bearer t"}})
	defer sender.Close()

	o := sender.Send(t.Context(), sms.Message{PhoneNumber: "+15550100", Text: "Grüße", SenderID: "ACME", Type: "Transactional", MaxPrice: "0.50"})
	if o.Err != nil || o.Status != http.StatusAccepted || o.Response != "taken" {
		t.Errorf("%+v", o)
	}
	const request = "POST /send application/json Bearer t "
	if g := <-got; g != request+`{"phoneNumber":"+15550100","message":"Grüße","senderId":"ACME","type":"Transactional","maxPrice":"0.50"}` {
		t.Error(g)
	}
	for code, permanent := range map[int]bool{400: true, 429: false, 503: false} {
		status = code
		o := sender.Send(t.Context(), sms.Message{PhoneNumber: "+15550100"})
		if o.Err == nil || o.Permanent != permanent {
			t.Errorf("%+v", o)
		}
		if g := <-got; g != request+`{"phoneNumber":"+15550100","message":""}` {
			t.Error(g)
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	repeat := strings.Repeat
	for text, want := range map[string]int{
		"":                        1,
		repeat("a", 160):          1,
		repeat("a", 161):          2,
		repeat("a", 306):          2,
		repeat("a", 307):          3,
		repeat("€", 80):           1,
		repeat("€", 81):           2,
		repeat("€", 153):          3, // 76 a part: none is split
		repeat("äöüÄÖÜßñ@£Δ", 14): 1,
		repeat("ж", 70):           1,
		repeat("ж", 71):           2,
		repeat("ж", 134):          2,
		repeat("ж", 135):          3,
		repeat("a", 70) + "`":     2, // not of the alphabet
		repeat("😀", 35):           1,
		repeat("😀", 36):           2,
		repeat("😀", 67):           3, // 33 a part
		repeat("a", 1600):         11,
		"\x1b":                    1,
		repeat("a", 159) + "[":    2,
		repeat("a", 158) + "[":    1,
		repeat("a", 152) + "[" + repeat("a", 152): 3, // the bracket is not split
	} {
		if got := sms.Parts(text); got != want {
			t.Errorf("%d parts, not %d: %.20q of %d bytes", got, want, text, len(text))
		}
	}
}
