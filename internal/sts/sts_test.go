package sts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/sts"
)

// The operations are tested with the SDK in internal/gateway.

// TestNothingIsIgnored: what would narrow a session is refused where it has no
// effect.
func TestNothingIsIgnored(t *testing.T) {
	t.Parallel()
	op := sts.New(sts.DevIssuer{}).Operations().Operations["AssumeRole"]
	c := &service.Call{Principal: iam.NewDev("000000000000").Principal(""), Now: time.Now()}
	request := func() *stsapi.AssumeRoleRequest {
		return &stsapi.AssumeRoleRequest{RoleArn: new("arn:aws:iam::000000000000:role/any"), RoleSessionName: new("me")}
	}
	if _, err := op.Invoke(context.Background(), c, request()); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(*stsapi.AssumeRoleRequest){
		"PolicyArns": func(in *stsapi.AssumeRoleRequest) {
			in.PolicyArns = []stsapi.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/ReadOnly")}}
		},
		"Tags": func(in *stsapi.AssumeRoleRequest) {
			in.Tags = []stsapi.Tag{{Key: new("a"), Value: new("b")}}
		},
		"SourceIdentity": func(in *stsapi.AssumeRoleRequest) { in.SourceIdentity = new("me") },
		"MFA":            func(in *stsapi.AssumeRoleRequest) { in.TokenCode = new("123456") },
		"short name":     func(in *stsapi.AssumeRoleRequest) { in.RoleSessionName = new("m") },
		"no role":        func(in *stsapi.AssumeRoleRequest) { in.RoleArn = nil },
	} {
		in := request()
		set(in)
		_, err := op.Invoke(context.Background(), c, in)
		var api *smithy.APIError
		if !errors.As(err, &api) || !api.Sender() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAccess: identity needs no permission, but somebody.
func TestAccess(t *testing.T) {
	t.Parallel()
	for name, op := range sts.New(sts.DevIssuer{}).Operations().Operations {
		someone := &service.Call{Principal: iam.NewDev("000000000000").Principal("")}
		if a, err := op.Access(someone, op.Shape.NewInput()); err != nil || a != (service.Access{}) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if _, err := op.Access(&service.Call{Principal: iam.Anonymous()}, op.Shape.NewInput()); err == nil {
			t.Errorf("%s: anonymous callers are let in", name)
		}
	}
}
