package iam

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/smithy"
)

// Durations of temporary credentials (AWS STS API Reference).
const (
	minSession       = 15 * time.Minute
	maxUserSession   = 36 * time.Hour
	maxRootSession   = time.Hour
	maxRoleSession   = 12 * time.Hour
	maxChainSession  = time.Hour // a role's session assuming another role
	maxSessionPolicy = 2048      // bytes
	maxSessionToken  = 8 << 10   // bytes; ours have under 5 KiB
)

// serverKeyLength is the length of the key that seals session tokens.
const serverKeyLength = 32

// Credentials are temporary: they are good until Expires, together only.
type Credentials struct {
	AccessKeyID     string // ASIA...
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time
}

// claims is what a session token says, sealed. Nothing of a session is stored:
// any server with the key can open any token.
type claims struct {
	Expires int64  // Unix seconds
	User    string `json:",omitempty"` // ARN of the user
	Role    string `json:",omitempty"` // or of the role
	Name    string `json:",omitempty"` // session name, of roles
	Root    string `json:",omitempty"` // or the account
	Policy  string `json:",omitempty"` // session policy
}

type session struct {
	accessKeyID, secret string
	expires             time.Time
	principal           *Principal
}

const tokenVersion = 1

func (d *Directory) setServerKey(key []byte) error {
	if len(key) != serverKeyLength {
		return fmt.Errorf("iam: the server key must have %d bytes", serverKeyLength)
	}
	// One key for each use, so that neither says anything of the other.
	block, err := aes.NewCipher(derive(key, "session token"))
	if err != nil {
		return err
	}
	d.secretKey = derive(key, "session secret")
	d.tokens, err = cipher.NewGCM(block)
	return err
}

func derive(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write([]byte(p))
		mac.Write([]byte{0})
	}
	return mac.Sum(nil)
}

// GetSessionToken issues temporary credentials for a user or root itself.
func (d *Directory) GetSessionToken(p *Principal, duration time.Duration, now time.Time) (Credentials, error) {
	if p.temporary || p.Anonymous || p.Service != "" {
		return Credentials{}, smithy.AccessDenied.New("Cannot call GetSessionToken with session credentials")
	}
	c := claims{User: p.ARN}
	limit := maxUserSession
	if p.Root {
		c, limit = claims{Root: p.Account}, maxRootSession
	}
	if err := checkDuration(duration, limit); err != nil {
		return Credentials{}, err
	}
	return d.issue(p.Account, c, duration, now)
}

// AssumeRole issues temporary credentials of a role, when the role's trust
// policy and the caller's own policies allow it, and returns who they act as.
// The session policy, "" for none, narrows what the role may do.
func (d *Directory) AssumeRole(p *Principal, roleARN, sessionName, sessionPolicy string, duration time.Duration, ctx *Context) (Credentials, *Principal, error) {
	if len(sessionName) < 2 || len(sessionName) > 64 || !onlyName(sessionName, "_+=,.@-") {
		return Credentials{}, nil, smithy.ValidationError.New("RoleSessionName must have 2 to 64 letters, digits and _+=,.@-")
	}
	limit := maxRoleSession
	if p.roleARN != "" {
		limit = maxChainSession
	}
	if err := checkDuration(duration, limit); err != nil {
		return Credentials{}, nil, err
	}
	r := d.roles[roleARN]
	if r == nil {
		// Not telling which roles exist, as AWS does not.
		return Credentials{}, nil, smithy.AccessDenied.Newf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", p.ARN, roleARN)
	}
	if err := authorizeAssume(p, r, ctx); err != nil {
		return Credentials{}, nil, err
	}
	c := claims{Role: roleARN, Name: sessionName, Policy: sessionPolicy}
	who, err := d.principalOf(c)
	if err != nil {
		return Credentials{}, nil, err
	}
	cred, err := d.issue(r.account, c, duration, ctx.Now)
	if err != nil {
		return Credentials{}, nil, err
	}
	who.AccessKeyID = cred.AccessKeyID
	return cred, who, nil
}

func checkDuration(d, limit time.Duration) error {
	if d < minSession || d > limit {
		return smithy.ValidationError.Newf("DurationSeconds must be between %d and %d", minSession/time.Second, limit/time.Second)
	}
	return nil
}

func (d *Directory) issue(account string, c claims, duration time.Duration, now time.Time) (Credentials, error) {
	random := make([]byte, accessKeyIDLength-accountChars+d.tokens.NonceSize())
	if _, err := io.ReadFull(d.randomness, random); err != nil {
		return Credentials{}, fmt.Errorf("iam: no randomness: %w", err)
	}
	id := newAccessKeyID("ASIA", account, random)
	nonce := random[accessKeyIDLength-accountChars:]
	expires := now.Add(duration).Truncate(time.Second)
	c.Expires = expires.Unix()
	plain, err := json.Marshal(c)
	if err != nil {
		return Credentials{}, err
	}
	token := append([]byte{tokenVersion}, nonce...)
	// The access key id is authenticated with it: tokens cannot be swapped.
	token = d.tokens.Seal(token, nonce, plain, []byte(id))
	return Credentials{
		AccessKeyID: id, SecretAccessKey: d.sessionSecret(id, nonce),
		SessionToken: base64.StdEncoding.EncodeToString(token), Expires: expires,
	}, nil
}

// sessionSecret has 40 characters, as AWS's do.
func (d *Directory) sessionSecret(accessKeyID string, nonce []byte) string {
	return base64.StdEncoding.EncodeToString(derive(d.secretKey, accessKeyID, string(nonce))[:30])
}

func (d *Directory) openSession(accessKeyID, token string, now time.Time) (string, *Principal, error) {
	s, ok := d.sessions.get(token)
	if !ok {
		var err error
		if s, err = d.decodeSession(accessKeyID, token); err != nil {
			return "", nil, errUnrecognized()
		}
		d.sessions.put(strings.Clone(token), s)
	}
	if s.accessKeyID != accessKeyID {
		return "", nil, errUnrecognized()
	}
	if !now.Before(s.expires) {
		return "", nil, smithy.ExpiredToken.New("The security token included in the request is expired")
	}
	return s.secret, s.principal, nil
}

var errToken = errors.New("iam: not a session token of this server")

func (d *Directory) decodeSession(accessKeyID, token string) (*session, error) {
	if len(token) > maxSessionToken {
		return nil, errToken
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(token)
	n := 1 + d.tokens.NonceSize()
	if err != nil || len(raw) < n || raw[0] != tokenVersion {
		return nil, errToken
	}
	plain, err := d.tokens.Open(nil, raw[1:n], raw[n:], []byte(accessKeyID))
	if err != nil {
		return nil, errToken
	}
	var c claims
	if err := json.Unmarshal(plain, &c); err != nil {
		return nil, errToken
	}
	p, err := d.principalOf(c)
	if err != nil {
		return nil, err
	}
	p.AccessKeyID = strings.Clone(accessKeyID)
	return &session{
		accessKeyID: p.AccessKeyID, secret: d.sessionSecret(accessKeyID, raw[1:n]),
		expires: time.Unix(c.Expires, 0), principal: p,
	}, nil
}

// principalOf is a new principal for a session; users and roles that are no
// longer configured have none.
func (d *Directory) principalOf(c claims) (*Principal, error) {
	switch {
	case c.Role != "":
		r := d.roles[c.Role]
		if r == nil {
			return nil, errToken
		}
		p := &Principal{
			Account: r.account, ARN: arn.New("sts", "", r.account, "assumed-role/"+r.name+"/"+c.Name).String(), UserID: r.id + ":" + c.Name,
			roleARN: r.arn, uniqueID: r.id, identity: r.policies, temporary: true,
		}
		if c.Policy == "" {
			return p, nil
		}
		var err error
		if len(c.Policy) > maxSessionPolicy {
			return nil, smithy.ValidationError.Newf("Policy must have length less than or equal to %d", maxSessionPolicy)
		}
		if p.session, err = policy.Parse(c.Policy); err == nil {
			err = p.session.CheckIdentity()
		}
		if err != nil {
			return nil, smithy.ValidationError.New("The session policy is malformed: " + err.Error())
		}
		return p, nil
	case c.Root != "":
		for _, k := range d.keys { // the account must still have a root key
			if k.principal.Root && k.principal.Account == c.Root {
				p := *k.principal
				p.temporary = true
				return &p, nil
			}
		}
	default:
		if u := d.users[c.User]; u != nil {
			p := *u
			p.temporary = true
			return &p, nil
		}
	}
	return nil, errToken
}
