package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/sns"
	"github.com/spillway/spillway/internal/wire"
)

// Messages that one look at the outbox shows: by default, and at most.
const (
	outboxDefault = 100
	outboxMost    = 1000
)

// serveOutbox answers GET /_spillway/outbox: what was sent by e-mail, SMS or push
// without a relay or gateway, oldest first; after (a sequence) and limit page. DELETE
// empties it. In development mode only: it asks for no signature.
func (s *Server) serveOutbox(_ context.Context, r *gateway.Request) wire.Response {
	if s.config.Verify() {
		return reply(http.StatusForbidden, map[string]string{"error": "this path is for development mode; use `spillway outbox`"})
	}
	switch r.Method {
	case http.MethodDelete:
		if err := s.sns.EmptyOutbox(); err != nil {
			return s.outboxFailed(r, err)
		}
		return wire.Response{Status: http.StatusNoContent}
	case http.MethodGet:
	default:
		return reply(http.StatusMethodNotAllowed, map[string]string{"error": "GET or DELETE it"})
	}
	query, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		return reply(http.StatusBadRequest, map[string]string{"error": "malformed query"})
	}
	messages, err := s.outbox(query)
	if err != nil {
		return s.outboxFailed(r, err)
	}
	return reply(http.StatusOK, messages)
}

// outboxPage is an answer about the outbox.
type outboxPage struct {
	Messages []sns.OutMessage `json:"messages"`
}

func (s *Server) outbox(query url.Values) (p outboxPage, err error) {
	limit := outboxDefault
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 {
		limit = min(n, outboxMost)
	}
	after, _ := strconv.ParseUint(query.Get("after"), 10, 64) // 0 without one
	p.Messages, err = s.sns.Outbox(after, limit)
	return p, err
}

// serveAdminOutbox is serveOutbox on the administration socket.
func (s *Server) serveAdminOutbox(w http.ResponseWriter, r *http.Request) {
	page, err := s.outbox(r.URL.Query())
	if err == nil {
		err = json.NewEncoder(w).Encode(page)
	}
	if err != nil {
		s.logger.Error("outbox", "error", err)
		http.Error(w, "see the server's log", http.StatusInternalServerError)
	}
}

// Outbox asks the server that runs on a data folder for its outbox.
func Outbox(ctx context.Context, dataDir string, after uint64, limit int) ([]sns.OutMessage, error) {
	client := socketClient(filepath.Join(dataDir, adminSocket))
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://spillway/outbox?after=%d&limit=%d", after, limit), nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server refused: %s", res.Status)
	}
	var page outboxPage
	err = json.NewDecoder(res.Body).Decode(&page)
	return page.Messages, err
}

func (s *Server) outboxFailed(r *gateway.Request, err error) wire.Response {
	s.logger.Error("outbox", "error", err, "request_id", r.ID)
	return reply(http.StatusInternalServerError, map[string]string{"error": "see the server's log"})
}

// serveOptOut answers POST /_spillway/sms/opt-out {"phoneNumber": "+15550100",
// "optOut": true}: what an SMS gateway calls when somebody answers STOP. In development
// mode only: it asks for no signature.
func (s *Server) serveOptOut(ctx context.Context, r *gateway.Request) wire.Response {
	if s.config.Verify() {
		return reply(http.StatusForbidden, map[string]string{"error": "this path is for development mode"})
	}
	in := struct {
		PhoneNumber, Account, Region string
		OptOut                       *bool
	}{Account: s.config.AccountID, Region: s.config.Region}
	if r.Method != http.MethodPost || json.Unmarshal(r.Body, &in) != nil {
		return reply(http.StatusBadRequest, map[string]string{"error": "POST phoneNumber and optOut as JSON"})
	}
	if err := s.sns.OptOut(ctx, in.Region, in.Account, in.PhoneNumber, in.OptOut == nil || *in.OptOut); err != nil {
		return reply(http.StatusBadRequest, map[string]string{"error": err.Error()})
	}
	return wire.Response{Status: http.StatusNoContent}
}
