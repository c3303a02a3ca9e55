package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/spillway/spillway/internal/smithy"
)

// requestIDName is spelled as AWS spells it.
const requestIDName = "x-amzn-RequestId"

func errUnknownOperation() *smithy.APIError {
	return smithy.UnknownOperation.New("The action or operation requested is invalid. Verify that the action is typed correctly.")
}

// errInvalidAction is the query protocol's. AWS words it differently at the URL
// of a queue (facts-sqs.md 1.3).
func errInvalidAction(action string, atQueue bool) *smithy.APIError {
	if atQueue {
		return smithy.UnknownOperation.Newf("The action %s is not valid for this endpoint.", action)
	}
	return smithy.UnknownOperation.Newf("The action %s is not valid for this web service.", action)
}

func errInternal() *smithy.APIError {
	return smithy.InternalFailure.New("We encountered an internal error. Please try again.")
}

func errBusy() *smithy.APIError {
	return smithy.ServiceUnavailable.New("The server has as many requests in work as it may. Please try again.")
}

func errDraining() *smithy.APIError {
	return smithy.ServiceUnavailable.New("The server is stopping. Please try again.")
}

func errBodyTooLarge(limit int) *smithy.APIError {
	return smithy.RequestTooLarge.Newf("The request body must not have more than %d bytes.", limit)
}

// Errors of HTTP itself, which no AWS model has.

func errHeaderTooLarge(limit int) *smithy.APIError {
	return transportError("RequestHeaderSectionTooLarge", http.StatusRequestHeaderFieldsTooLarge).
		Newf("The request line and headers must not have more than %d bytes.", limit)
}

func errSlow() *smithy.APIError {
	return transportError("RequestTimeout", http.StatusRequestTimeout).New("The request did not arrive in time.")
}

func errUnreadable() *smithy.APIError {
	return transportError("MalformedHttpRequest", http.StatusBadRequest).New("The request is not valid HTTP.")
}

func transportError(code string, status int) *smithy.ErrorType {
	return &smithy.ErrorType{Shape: code, Code: code, Status: status, Namespace: smithy.CoralNamespace}
}

// apiError is what a client is told of an error: API errors as they are, and
// of others only that there was one.
func (g *Gateway) apiError(ctx context.Context, r *Request, rt *route, err error) *smithy.APIError {
	var api *smithy.APIError
	if errors.As(err, &api) {
		return api
	}
	cause := context.Cause(ctx)
	canceled := errors.Is(err, context.Canceled) && cause != nil
	if errors.Is(err, ErrStopWaiting) || canceled && errors.Is(cause, ErrStopWaiting) {
		return errDraining()
	}
	if canceled || errors.Is(err, errClientGone) {
		// Nobody reads it: it is for the log and the metrics.
		return transportError("ClientClosedRequest", 499).New("The client closed the connection.")
	}
	g.logger.Error("request failed", "request_id", r.ID, "operation", rt.name, "error", err)
	return errInternal()
}
