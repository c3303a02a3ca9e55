package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/sqs"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awsjson"
	"github.com/spillway/spillway/internal/wire/awsquery"
)

// Messages that one look shows: by default, and at most.
const (
	peekDefault = 100
	peekMost    = 1000
)

// servePeek answers GET /_aws/sqs/messages?QueueUrl=... and
// /_aws/sqs/messages/<region>/<account>/<name>: the messages of a queue as
// ReceiveMessage answers them, without receiving them. ShowInvisible and
// ShowDelayed add those that are hidden; Limit (100) and After (a sequence) page.
// In development mode only: it asks for no signature.
func (s *Server) servePeek(ctx context.Context, r *gateway.Request) wire.Response {
	if s.config.Verify() {
		return reply(http.StatusForbidden, map[string]string{"error": "this path is for development mode; use ReceiveMessage with VisibilityTimeout 0"})
	}
	query, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		return reply(http.StatusBadRequest, map[string]string{"error": "malformed query"})
	}
	in := sqs.PeekRequest{
		QueueURL:    query.Get("QueueUrl"),
		ShowHidden:  truth(query.Get("ShowInvisible")),
		ShowDelayed: truth(query.Get("ShowDelayed")),
		Limit:       peekDefault,
	}
	if n, err := strconv.Atoi(query.Get("Limit")); err == nil && n > 0 {
		in.Limit = min(n, peekMost)
	}
	if n, err := strconv.ParseUint(query.Get("After"), 10, 64); err == nil {
		in.After = n
	}
	if rest, ok := strings.CutPrefix(r.Path, "/_aws/sqs/messages/"); ok && in.QueueURL == "" {
		parts := strings.Split(rest, "/")
		if len(parts) != 3 {
			return reply(http.StatusNotFound, map[string]string{"error": "use /_aws/sqs/messages/<region>/<account>/<name>"})
		}
		in.Region, in.Account, in.Queue = parts[0], parts[1], parts[2]
	}
	call := &service.Call{
		RequestID: r.ID, Now: r.Arrived, Region: s.config.Region, BaseURL: r.BaseURL, Path: r.Path,
		Principal: iam.NewDev(s.config.AccountID).Principal(""),
	}
	messages, next, err := s.sqs.Peek(ctx, call, in)
	return s.encodePeek(r, messages, next, err)
}

// encodePeek answers in XML as the query protocol does, or in JSON on request.
func (s *Server) encodePeek(r *gateway.Request, messages []sqsapi.Message, next uint64, err error) wire.Response {
	protocol := awsquery.New()
	if accept := r.Header.Get("Accept"); strings.Contains(accept, "json") {
		protocol = awsjson.New("1.0")
	}
	if err != nil {
		var e *smithy.APIError
		if !errors.As(err, &e) {
			s.logger.Error("peek", "error", err, "request_id", r.ID)
			e = smithy.InternalFailure.New("The request processing has failed because of an unknown error.")
		}
		return protocol.EncodeError(sqsapi.Service, sqsapi.ReceiveMessage, e, r.ID, nil)
	}
	out := protocol.Encode(sqsapi.Service, sqsapi.ReceiveMessage, &sqsapi.ReceiveMessageResult{Messages: messages}, r.ID, nil)
	if next != 0 {
		out.Fields = append(out.Fields, wire.Field{Name: "x-spillway-next", Value: strconv.FormatUint(next, 10)})
	}
	return out
}

func truth(s string) bool {
	v, err := strconv.ParseBool(s)
	return err == nil && v
}
