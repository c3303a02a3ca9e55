package gateway

import (
	"errors"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// Response is one HTTP response.
type Response = wire.Response

// serve answers a request. The body is appended to buf.
func (g *Gateway) serve(ctx *requestContext, r *Request, buf []byte) Response {
	info := RequestInfo{RequestID: r.ID, Remote: r.Remote, BytesIn: len(r.Body)}
	res := g.answer(ctx, r, buf, &info)
	if origin := r.Header.Get("Origin"); origin != "" {
		res.Fields = g.guard.allow(res.Fields, origin, r)
	}
	g.observe(r, &res, &info)
	return res
}

func (g *Gateway) observe(r *Request, res *Response, info *RequestInfo) {
	if g.config.Observer == nil {
		return
	}
	info.Status, info.BytesOut = res.Status, len(res.Body)
	info.Duration = time.Since(r.Arrived)
	g.config.Observer.Request(*info)
}

// refuse answers a request that could not be read to its end.
func (g *Gateway) refuse(r *Request, err *smithy.APIError) Response {
	info := RequestInfo{RequestID: r.ID, Remote: r.Remote, Code: err.Code}
	rt := g.routes.route(&r.Request, r.Host)
	res := rt.fail(r, err, nil)
	g.observe(r, &res, &info)
	return res
}

// fail writes an error in the request's protocol.
func (rt *route) fail(r *Request, err *smithy.APIError, buf []byte) Response {
	res := rt.protocol.EncodeError(rt.api(), nil, err, r.ID, buf)
	if err.Hint != "" {
		res.Fields = append(res.Fields, wire.Field{Name: "x-spillway-hint", Value: err.Hint})
	}
	return res
}

// noAction is AWS's whole answer to a query without an action (recorded).
const noAction = "<UnknownOperationException/>"

// answer finds who answers, and survives it.
func (g *Gateway) answer(ctx *requestContext, r *Request, buf []byte, info *RequestInfo) (res Response) {
	var rt route
	defer func() {
		if p := recover(); p != nil {
			g.logger.Error("panic in a request", "request_id", r.ID, "operation", rt.name, "panic", p, "stack", string(debug.Stack()))
			if rt.protocol == nil {
				rt.protocol = g.routes.query
			}
			err := errInternal()
			info.Code = err.Code
			res = rt.fail(r, err, nil)
		}
	}()
	extra := g.extra.find(r.Path)
	if refusal := g.guard.check(r, extra != nil); refusal != "" {
		info.Code = "Forbidden"
		return Response{Status: 403, ContentType: "text/plain; charset=utf-8", Body: append(buf, refusal...)}
	}
	if isPreflight(r) {
		return Response{Status: 204, Body: buf}
	}
	if extra != nil {
		g.load.active.Add(1) // health is asked for above all when there are too many
		defer g.load.leave()
		return extra(ctx, r)
	}
	rt = g.routes.route(&r.Request, r.Host)
	info.Operation = rt.name
	if rt.service != nil {
		info.Service = rt.service.API.SigningName
		if rt.service.API.ExtendedID {
			defer func() {
				res.Fields = append(res.Fields, wire.Field{Name: extendedIDName, Value: newExtendedID()})
			}()
		}
	}
	if rt.canned != nil {
		info.Code = rt.err.Code
		res = *rt.canned
		res.Body = append(buf, res.Body...)
		return res
	}
	res, err := g.call(ctx, r, &rt, buf, info)
	if err != nil {
		api := g.apiError(ctx, r, &rt, err)
		info.Code = api.Code
		return rt.fail(r, api, buf)
	}
	return res
}

// call runs the operation, if it may.
func (g *Gateway) call(ctx *requestContext, r *Request, rt *route, buf []byte, info *RequestInfo) (Response, error) {
	if rt.err != nil {
		return Response{}, rt.err
	}
	open := rt.operation.Open
	ctx.works = open == nil && !rt.operation.Waits
	if open != nil && g.load.crowded() || !g.load.enter() {
		return Response{}, errBusy()
	}
	streams := false // then the stream leaves
	defer func() {
		if !streams {
			g.load.leave()
		}
	}()
	c, in, err := g.admit(r, rt, info)
	if err != nil {
		return Response{}, err
	}
	if open != nil {
		events, err := open(ctx, c, in)
		if err != nil {
			return Response{}, err
		}
		streams = true
		kept := *rt // other routes do not outlive their request, and cost nothing
		return g.stream(ctx, r, &kept, events), nil
	}
	out, err := rt.operation.Invoke(ctx, c, in)
	if err != nil {
		return Response{}, err
	}
	return rt.protocol.Encode(rt.service.API, rt.operation.Shape, out, r.ID, buf), nil
}

// admit verifies, decodes and authorizes a request.
func (g *Gateway) admit(r *Request, rt *route, info *RequestInfo) (*service.Call, smithy.Shape, error) {
	id, err := g.auth.authenticate(r, rt.service.API.SigningName)
	if err != nil {
		return nil, nil, err
	}
	c := g.newCall(r, rt, id)
	info.Principal, info.Account, info.Region = c.Principal.ARN, c.Principal.Account, c.Region
	in, err := rt.protocol.Decode(rt.operation.Shape, &r.Request)
	if err != nil {
		return nil, nil, err
	}
	return c, in, authorize(rt, c, in)
}

func (g *Gateway) newCall(r *Request, rt *route, id identity) *service.Call {
	c := &service.Call{
		RequestID: r.ID, Now: r.Arrived, Principal: id.principal, Region: id.region,
		BaseURL: r.BaseURL, Path: plainPath(r.Path), Query: rt.query,
		TraceHeader: strings.Clone(r.Header.Get("X-Amzn-Trace-Id")),
	}
	if c.Region == "" {
		if _, region := g.routes.byHost(r.Host); region != "" {
			c.Region = intern(region)
		} else {
			c.Region = g.config.DefaultRegion
		}
	}
	c.Conditions = iam.Context{
		Now: c.Now, SourceIP: r.Remote.Addr(), Secure: r.TLS, Region: c.Region,
		UserAgent: r.Header.Get("User-Agent"), Referer: r.Header.Get("Referer"),
	}
	return c
}

// plainPath is a path unescaped, and not aliasing the request.
func plainPath(path string) string {
	if path == "" || path == "/" {
		return "/"
	}
	if plain, err := url.PathUnescape(path); err == nil && plain != path {
		return plain
	}
	return strings.Clone(path)
}

// authorize asks the operation what it is about to do, and the policies whether
// it may. The zero Access needs no permission: GetCallerIdentity.
func authorize(rt *route, c *service.Call, in smithy.Shape) error {
	access, err := rt.operation.Access(c, in)
	if err != nil || access == (service.Access{}) || c.Principal.Unrestricted {
		return err
	}
	err = iam.Authorize(c.Principal, iam.Access(access), &c.Conditions)
	var api *smithy.APIError
	if rt.service.Denied != nil && errors.As(err, &api) && api.ErrorType == smithy.AccessDenied {
		return rt.service.Denied.New(api.Message)
	}
	return err
}
