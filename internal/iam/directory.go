package iam

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/smithy"
)

const maxAccessKeyID = 128

// Directory is who exists, for verify mode. It is immutable but for a cache of
// opened session tokens: a changed configuration is a new Directory, and tokens
// stay good as long as the server key and their user or role do.
type Directory struct {
	keys  map[string]credential // by access key id
	users map[string]*Principal // by ARN, without an access key
	roles map[string]*role      // by ARN

	tokens     cipher.AEAD // seals session tokens
	secretKey  []byte      // derives the secrets of temporary credentials
	randomness io.Reader
	sessions   recent[*session]
}

type credential struct {
	secret    string
	principal *Principal
}

type role struct {
	account, name, arn, id string
	trust                  *policy.Document
	policies               []*policy.Document
}

// NewDirectory builds the directory. The server key, 32 random bytes kept with
// the server's data, seals session tokens: whoever has it can be anyone. Random
// is crypto/rand.Reader outside of tests.
func NewDirectory(c Config, serverKey []byte, random io.Reader) (*Directory, error) {
	d := &Directory{keys: map[string]credential{}, users: map[string]*Principal{}, roles: map[string]*role{}, randomness: random}
	if err := d.setServerKey(serverKey); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, a := range c.Accounts {
		if !arn.ValidAccount(a.ID) {
			return nil, fmt.Errorf("iam: account %q: the id must have 12 digits", a.ID)
		}
		if seen[a.ID] {
			return nil, fmt.Errorf("iam: account %s is there twice", a.ID)
		}
		seen[a.ID] = true
		if err := d.addAccount(a); err != nil {
			return nil, fmt.Errorf("iam: account %s: %w", a.ID, err)
		}
	}
	return d, nil
}

func (d *Directory) addAccount(a Account) error {
	if err := d.addKeys(a.RootKeys, rootPrincipal(a.ID, "")); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	for _, u := range a.Users {
		if err := d.addUser(a.ID, u); err != nil {
			return fmt.Errorf("user %q: %w", u.Name, err)
		}
	}
	for _, r := range a.Roles {
		if err := d.addRole(a.ID, r); err != nil {
			return fmt.Errorf("role %q: %w", r.Name, err)
		}
	}
	return nil
}

func (d *Directory) addUser(account string, u User) error {
	name, err := entityName("user", account, u.Path, u.Name)
	if err != nil {
		return err
	}
	if d.users[name] != nil {
		return errors.New("is there twice")
	}
	p := &Principal{Account: account, ARN: name, UserID: uniqueID("AIDA", account, u.Name), name: u.Name}
	p.uniqueID = p.UserID
	if p.identity, err = parseIdentity(u.Policies); err != nil {
		return err
	}
	d.users[name] = p
	return d.addKeys(u.Keys, p)
}

func (d *Directory) addRole(account string, r Role) error {
	name, err := entityName("role", account, r.Path, r.Name)
	if err != nil {
		return err
	}
	if d.roles[name] != nil {
		return errors.New("is there twice")
	}
	out := &role{account: account, name: r.Name, arn: name, id: uniqueID("AROA", account, r.Name)}
	if out.trust, err = policy.Parse(r.Trust); err != nil {
		return fmt.Errorf("trust %w", err)
	}
	if err := out.trust.CheckResource(); err != nil {
		return fmt.Errorf("trust %w", err)
	}
	if out.policies, err = parseIdentity(r.Policies); err != nil {
		return err
	}
	d.roles[name] = out
	return nil
}

func (d *Directory) addKeys(keys []Key, of *Principal) error {
	for i, k := range keys {
		if len(k.AccessKeyID) < 3 || len(k.AccessKeyID) > maxAccessKeyID || !onlyName(k.AccessKeyID, "_.-") {
			return fmt.Errorf("key %d: the access key id must have 3 to %d letters, digits and _ . -", i+1, maxAccessKeyID)
		}
		if k.SecretAccessKey == "" {
			return fmt.Errorf("key %s has no secret", k.AccessKeyID)
		}
		if _, ok := d.keys[k.AccessKeyID]; ok {
			return fmt.Errorf("key %s is there twice", k.AccessKeyID)
		}
		p := *of
		p.AccessKeyID = k.AccessKeyID
		d.keys[k.AccessKeyID] = credential{k.SecretAccessKey, &p}
	}
	return nil
}

// Secret implements sigv4.Keys. Unknown keys and tokens are UnrecognizedClient,
// expired ones ExpiredToken.
func (d *Directory) Secret(accessKeyID, sessionToken string, now time.Time) (string, *Principal, error) {
	if sessionToken != "" {
		return d.openSession(accessKeyID, sessionToken, now)
	}
	c, ok := d.keys[accessKeyID]
	if !ok {
		return "", nil, errUnrecognized()
	}
	return c.secret, c.principal, nil
}

func errUnrecognized() error {
	return smithy.UnrecognizedClient.New("The security token included in the request is invalid.")
}

func parseIdentity(sources []string) ([]*policy.Document, error) {
	var out []*policy.Document
	for i, source := range sources {
		d, err := policy.Parse(source)
		if err == nil {
			err = d.CheckIdentity()
		}
		if err != nil {
			return nil, fmt.Errorf("policy %d: %w", i+1, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// entityName checks a user's or role's name and path and makes its ARN.
func entityName(kind, account, path, name string) (string, error) {
	if name == "" || len(name) > 64 || !onlyName(name, "_+=,.@-") {
		return "", errors.New("the name must have 1 to 64 letters, digits and _+=,.@-")
	}
	if path == "" {
		path = "/"
	}
	if len(path) > 512 || path[0] != '/' || path[len(path)-1] != '/' || !onlyName(path, "/_+=,.@-") {
		return "", fmt.Errorf("path %q must begin and end with a slash", path)
	}
	return arn.New("iam", "", account, kind+path+name).String(), nil
}

// onlyName reports whether s has only ASCII letters, digits and the others.
func onlyName(s, others string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}
