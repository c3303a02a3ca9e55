package sms_test

import (
	"io"
	"net/http"
	"net/http/httptest"
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
