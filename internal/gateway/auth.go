package gateway

import (
	"unique"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/sigv4"
	"github.com/spillway/spillway/internal/smithy"
)

// Auth says who sent a request. There are two: NewVerify and NewDev.
type Auth interface {
	// authenticate returns the caller and the region that it signed for, "" for
	// none. Signing is the name that the scope must have, "" for any.
	authenticate(r *Request, signing string) (identity, error)
	// open reports that anyone is let in: then web pages must be kept out.
	open() bool
}

type identity struct {
	principal *iam.Principal
	region    string
}

// NewVerify verifies every signature by the keys of a directory. Requests
// without credentials are anonymous: resource policies decide about them.
func NewVerify(d *iam.Directory) Auth { return verify{sigv4.NewVerifier(d)} }

// NewDev takes every access key for what it says and verifies nothing: for a
// developer's own machine.
func NewDev(d *iam.Dev) Auth { return dev{d} }

type verify struct{ v *sigv4.Verifier }

func (verify) open() bool { return false }

func (a verify) authenticate(r *Request, signing string) (identity, error) {
	res, err := a.v.Verify(&r.Request, r.Arrived)
	if err != nil {
		return identity{}, err
	}
	if res.Anonymous {
		return identity{principal: res.Principal}, nil
	}
	// A signature for another service must not work here: who was given a
	// presigned request to one service was not given this one.
	if signing != "" && res.Service != signing {
		return identity{}, smithy.InvalidSignature.Newf("Credential should be scoped to correct service: '%s'. ", signing)
	}
	if !arn.ValidRegion(res.Region) {
		return identity{}, smithy.InvalidSignature.Newf("Credential should be scoped to a valid region, not '%s'. ", res.Region)
	}
	return identity{res.Principal, res.Region}, nil
}

type dev struct{ d *iam.Dev }

func (dev) open() bool { return true }

func (a dev) authenticate(r *Request, _ string) (identity, error) {
	key, region, _, ok := sigv4.ParseScope(&r.Request)
	if !ok {
		return identity{principal: a.d.Principal("")}, nil
	}
	id := identity{principal: a.d.Principal(key)}
	if arn.ValidRegion(region) {
		id.region = intern(region)
	}
	return id, nil
}

// intern is a copy of s that all users of the same text share.
func intern(s string) string { return unique.Make(s).Value() }
