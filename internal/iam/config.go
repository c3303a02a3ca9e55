// Package iam knows who may call and what they may do: accounts, users, roles
// and their keys from the configuration, temporary credentials, and AWS's rule
// of how identity policies and resource policies decide together. The policy
// language itself is package policy; signatures are package sigv4.
package iam

// Config is everyone who may call. Policies are JSON documents.
type Config struct {
	Accounts []Account
}

// Account is one AWS account. Accounts not listed exist only as owners of
// nothing: no key leads to them.
type Account struct {
	ID       string // 12 digits
	RootKeys []Key  // keys that act as the account itself, restrained by explicit denies only
	Users    []User
	Roles    []Role
}

// Key is a long-term credential. The access key id is unique over all accounts.
type Key struct {
	AccessKeyID     string // 3 to 128 letters, digits and _ . -; AWS's own are AKIA and 16 more
	SecretAccessKey string // any text but ""
}

// User is an IAM user.
type User struct {
	Name     string // 1 to 64 letters, digits and _+=,.@-
	Path     string // "/" when ""; begins and ends with a slash
	Keys     []Key
	Policies []string // identity policies
}

// Role is an IAM role, for AssumeRole.
type Role struct {
	Name     string // as User.Name
	Path     string // as User.Path
	Trust    string // who may assume it: a policy with principals
	Policies []string
}
