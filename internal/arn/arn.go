// Package arn is the vocabulary of AWS names: ARNs, account ids and regions.
// It imports the standard library only and anyone may import it.
package arn

import (
	"errors"
	"strings"
)

// Partition is the only partition served. ARNs of other partitions parse, but
// name nothing here.
const Partition = "aws"

// ErrSyntax is returned by Parse for anything that is not an ARN.
var ErrSyntax = errors.New("arn: not of the form arn:partition:service:region:account:resource")

// ARN is a parsed Amazon Resource Name. Region and Account are empty for
// services without them (IAM has no region, S3 buckets have neither).
//
// Source: AWS, "Identify AWS resources with Amazon Resource Names (ARNs)".
type ARN struct {
	Partition string
	Service   string
	Region    string
	Account   string
	Resource  string // everything after the fifth colon: may hold colons and slashes
}

// New returns an ARN in the served partition.
func New(service, region, account, resource string) ARN {
	return ARN{Partition: Partition, Service: service, Region: region, Account: account, Resource: resource}
}

// Parse reads an ARN. The fields alias s. Partition, service and resource must
// be there; their spelling is the service's business.
func Parse(s string) (ARN, error) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return ARN{}, ErrSyntax
	}
	var a ARN
	for _, field := range []*string{&a.Partition, &a.Service, &a.Region, &a.Account} {
		*field, rest, ok = strings.Cut(rest, ":")
		if !ok {
			return ARN{}, ErrSyntax
		}
	}
	a.Resource = rest
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, ErrSyntax
	}
	return a, nil
}

// String formats the ARN: Parse(a.String()) gives a back.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// ResourceType splits the resource at its first slash or colon:
// "role/admin" is ("role", "admin"). Without one the type is "".
func (a ARN) ResourceType() (kind, id string) {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[:i], a.Resource[i+1:]
	}
	return "", a.Resource
}

// ValidAccount reports whether s is an account id: 12 digits.
func ValidAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

const maxRegionLength = 32 // longest of AWS is "us-isob-east-1"; room for private names

// ValidRegion reports whether s can name a region. A region is a namespace
// here, so any name of AWS's alphabet will do: lower-case letters, digits and
// inner hyphens, a letter first.
func ValidRegion(s string) bool {
	if s == "" || len(s) > maxRegionLength || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
