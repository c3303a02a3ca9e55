package iam

import (
	"strings"

	"github.com/spillway/spillway/internal/arn"
)

// Dev is the directory of development mode: every access key is somebody, and
// everybody may do everything.
type Dev struct {
	account string
	cache   recent[*Principal]
}

// NewDev returns a directory whose keys belong to the given account unless they
// say otherwise.
func NewDev(account string) *Dev { return &Dev{account: account} }

// Principal is the account root that an access key stands for: a key of 12
// digits is its account; LocalStack's own keys (LSIA, LKIA) hold theirs; every
// other key, and none (""), is the default account. Real AWS keys are not
// decoded: tests that run with somebody's real key expect the default account.
func (d *Dev) Principal(accessKeyID string) *Principal {
	if p, ok := d.cache.get(accessKeyID); ok {
		return p
	}
	accessKeyID = strings.Clone(accessKeyID)
	account := d.account
	if arn.ValidAccount(accessKeyID) {
		account = accessKeyID
	} else if strings.HasPrefix(accessKeyID, "LSIA") || strings.HasPrefix(accessKeyID, "LKIA") {
		if a, ok := accountOf(accessKeyID); ok {
			account = a
		}
	}
	p := rootPrincipal(account, accessKeyID)
	p.Unrestricted = true
	if len(accessKeyID) <= maxAccessKeyID {
		d.cache.put(accessKeyID, p)
	}
	return p
}

func rootPrincipal(account, accessKeyID string) *Principal {
	return &Principal{
		Account: account, ARN: arn.New("iam", "", account, "root").String(), UserID: account,
		AccessKeyID: accessKeyID, Root: true,
	}
}
