package config

import (
	"errors"

	"github.com/spillway/spillway/internal/iam"
)

// IAM returns who may call: the accounts of the file and the root key.
func (c *Config) IAM() (iam.Config, error) {
	var out iam.Config
	for _, a := range c.Accounts {
		account := iam.Account{ID: a.ID, RootKeys: keysOf(a.RootKeys)}
		for _, u := range a.Users {
			account.Users = append(account.Users, iam.User{
				Name: u.Name, Path: u.Path, Keys: keysOf(u.Keys), Policies: textsOf(u.Policies),
			})
		}
		for _, r := range a.Roles {
			account.Roles = append(account.Roles, iam.Role{
				Name: r.Name, Path: r.Path, Trust: string(r.Trust), Policies: textsOf(r.Policies),
			})
		}
		out.Accounts = append(out.Accounts, account)
	}
	if c.Root == (Key{}) {
		return out, nil
	}
	if c.Root.AccessKeyID == "" || c.Root.SecretAccessKey == "" {
		return iam.Config{}, errors.New("needs both access_key_id and secret_access_key")
	}
	root := keysOf([]Key{c.Root})
	for i := range out.Accounts {
		if a := &out.Accounts[i]; a.ID == c.AccountID {
			a.RootKeys = append(a.RootKeys, root...)
			return out, nil
		}
	}
	out.Accounts = append(out.Accounts, iam.Account{ID: c.AccountID, RootKeys: root})
	return out, nil
}

func keysOf(keys []Key) []iam.Key {
	var out []iam.Key
	for _, k := range keys {
		out = append(out, iam.Key{AccessKeyID: k.AccessKeyID, SecretAccessKey: string(k.SecretAccessKey)})
	}
	return out
}

func textsOf(policies []Policy) []string {
	var out []string
	for _, p := range policies {
		out = append(out, string(p))
	}
	return out
}
