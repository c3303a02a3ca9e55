// Package sms sends text messages through an HTTP gateway of the configuration.
//
// The gateway gets a POST for each message, and says with a status of 2xx that it
// takes it, with 429 or 5xx that it may later, with anything else that it never
// will:
//
//	{"phoneNumber":"+15550100","message":"Hello","senderId":"ACME","type":"Transactional","maxPrice":"0.50"}
//
// Members without a value are left out, but for the first two. A few lines in
// front of a provider's API make such a gateway.
package sms

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/spillway/spillway/internal/deliver"
	"github.com/spillway/spillway/internal/deliver/web"
)

// Options configure a Sender.
type Options struct {
	URL     string            // of the gateway
	Header  map[string]string // sent with each message, such as Authorization
	Timeout time.Duration     // of one attempt, 15 s if 0
}

// Message is one text message.
type Message struct {
	PhoneNumber string // E.164
	Text        string
	SenderID    string // what the telephone shows as the sender
	Type        string // Promotional or Transactional
	MaxPrice    string // in USD
}

// Sender sends text messages.
type Sender struct {
	options Options
	header  http.Header
	client  *web.Client
}

// New returns a sender to be closed.
func New(o Options) *Sender {
	s := &Sender{
		options: o,
		header:  http.Header{"Content-Type": {"application/json"}, "User-Agent": {"spillway"}},
		// The operator has named the gateway: it may be anywhere.
		client: web.New(web.Options{AllowPrivate: true, Timeout: o.Timeout}),
	}
	for name, value := range o.Header {
		s.header.Set(name, value)
	}
	return s
}

// Send makes one attempt.
func (s *Sender) Send(ctx context.Context, m Message) deliver.Outcome {
	body, err := json.Marshal(struct {
		PhoneNumber string `json:"phoneNumber"`
		Text        string `json:"message"`
		SenderID    string `json:"senderId,omitempty"`
		Type        string `json:"type,omitempty"`
		MaxPrice    string `json:"maxPrice,omitempty"`
	}(m))
	if err != nil {
		return deliver.Fail(err, true)
	}
	return s.client.Post(ctx, deliver.Request{URL: s.options.URL, Header: s.header, Body: body})
}

// Close ends the attempts that run, and waits for them.
func (s *Sender) Close() { s.client.Close() }
