package sts

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/smithy"
)

// DevIssuer issues credentials in dev mode, where every role exists and every
// access key is accepted: the access key id is the account, by which dev mode
// knows callers, and secret and token are noise.
type DevIssuer struct{}

// GetSessionToken implements Issuer.
func (DevIssuer) GetSessionToken(p *iam.Principal, duration time.Duration, now time.Time) (iam.Credentials, error) {
	return devCredentials(p.Account, duration, now), nil
}

// AssumeRole implements Issuer. The session acts in the role's account.
func (DevIssuer) AssumeRole(_ *iam.Principal, roleARN, sessionName, _ string, duration time.Duration, ctx *iam.Context) (iam.Credentials, *iam.Principal, error) {
	a, err := arn.Parse(roleARN)
	name, ok := strings.CutPrefix(a.Resource, "role/")
	if err != nil || a.Service != "iam" || !arn.ValidAccount(a.Account) || !ok || name == "" {
		return iam.Credentials{}, nil, smithy.ValidationError.Newf("%s is invalid", roleARN)
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	c := devCredentials(a.Account, duration, ctx.Now)
	return c, &iam.Principal{
		Account: a.Account, AccessKeyID: c.AccessKeyID, Unrestricted: true,
		ARN:    arn.New("sts", "", a.Account, "assumed-role/"+name+"/"+sessionName).String(),
		UserID: "AROA" + strings.Repeat("0", 17-min(len(a.Account), 17)) + a.Account + ":" + sessionName,
	}, nil
}

func devCredentials(account string, duration time.Duration, now time.Time) iam.Credentials {
	noise := make([]byte, 126)
	_, _ = rand.Read(noise) // never fails
	text := base64.StdEncoding.EncodeToString(noise)
	return iam.Credentials{
		AccessKeyID: account, SecretAccessKey: text[:40], SessionToken: text[40:],
		Expires: now.Add(duration).Truncate(time.Second),
	}
}
