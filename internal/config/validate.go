package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/iam/policy"
)

// Validate checks everything that can be checked without touching anything. Each
// line of the error names a key and, if it is from the file, its line.
func (c *Config) Validate() error {
	var v validation
	v.config = c
	c.validateListen(&v)
	if !slices.Contains([]string{StorageDisk, StorageMemory}, c.Storage) {
		v.add("storage", "must be disk or memory, not %q", c.Storage)
	}
	if c.Storage == StorageDisk && c.DataDir == "" {
		v.add("data_dir", "must name a folder")
	}
	if _, err := c.Level(); err != nil {
		v.add("log_level", "must be debug, info, warn or error, not %q", c.LogLevel)
	}
	if !slices.Contains([]string{FormatText, FormatJSON}, c.LogFormat) {
		v.add("log_format", "must be text or json, not %q", c.LogFormat)
	}
	if !arn.ValidAccount(c.AccountID) {
		v.add("account_id", "must have 12 digits, not %q", c.AccountID)
	}
	if !arn.ValidRegion(c.Region) {
		v.add("region", "%q is not a region such as us-east-1", c.Region)
	}
	if c.ExternalURL != "" {
		if u, err := url.Parse(c.ExternalURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			v.add("external_url", "must be a URL such as https://queues.example.com, not %q", c.ExternalURL)
		}
	}
	if c.TLS.Key != "" && c.TLS.Cert == "" {
		v.add("tls.key", "needs tls.cert")
	}
	if c.TLS.SelfMade && c.TLS.Cert != "" {
		v.add("tls.self_made", "cannot be with tls.cert")
	}
	v.between("partitions", int64(c.Partitions), 0, 64)
	v.between("cache_bytes", c.CacheBytes, 0, 1<<50)
	v.between("limits.max_body", int64(c.Limits.MaxBody), 0, 1<<31)
	v.between("limits.max_connections", int64(c.Limits.MaxConnections), 0, 1<<31)
	v.between("limits.max_concurrent_requests", int64(c.Limits.MaxConcurrentRequests), 0, 1<<31)
	v.between("limits.max_long_polls", int64(c.Limits.MaxLongPolls), 0, 1<<31)
	c.validateCluster(&v)
	c.validateSQS(&v)
	c.validateSNS(&v)
	v.between("kinesis.transition", int64(c.Kinesis.Transition), 0, 1<<62)
	v.between("kinesis.shard_limit", int64(c.Kinesis.ShardLimit), 1, 1<<31-1)
	c.validateAccounts(&v)
	return errors.Join(v.errs...)
}

// Level is the log level.
func (c *Config) Level() (slog.Level, error) {
	var l slog.Level
	err := l.UnmarshalText([]byte(c.LogLevel))
	return l, err
}

func (c *Config) validateListen(v *validation) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		v.add("listen", "must be HOST:PORT such as 127.0.0.1:4566, not %q", c.Listen)
		return
	}
	if !c.Verify() && !c.InsecureDev && !loopback(host) {
		v.add("listen", "%s can be reached by others, and without credentials anyone would be let in: "+
			"set SPILLWAY_ROOT_ACCESS_KEY_ID and SPILLWAY_ROOT_SECRET_ACCESS_KEY, or accounts in the file, or --insecure-dev if that is meant", c.Listen)
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// queueName is the form of SQS's queue names.
var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (c *Config) validateSQS(v *validation) {
	v.between("sqs.max_message_bytes", int64(c.SQS.MaxMessageBytes), 1024, 1<<30)
	v.between("sqs.max_in_flight", int64(c.SQS.MaxInFlight), 1, 1<<31)
	v.between("sqs.max_receive", int64(c.SQS.MaxReceive), 1, 100_000)
	v.between("sqs.delete_cooldown", int64(c.SQS.DeleteCooldown), 0, 1<<62)
	v.between("sqs.purge_cooldown", int64(c.SQS.PurgeCooldown), 0, 1<<62)
	seen := map[string]bool{}
	for i, q := range c.SQS.Queues {
		key := fmt.Sprintf("sqs.queues[%d]", i)
		base := strings.TrimSuffix(q.Name, ".fifo")
		if !queueName.MatchString(base) || len(q.Name) > 80 {
			v.add(key+".name", "%q is not a queue name: 1 to 80 letters, digits, _ and -, with .fifo at the end for FIFO", q.Name)
		}
		region := q.Region
		if region == "" {
			region = c.Region
		} else if !arn.ValidRegion(region) {
			v.add(key+".region", "%q is not a region such as us-east-1", region)
		}
		if seen[region+"/"+q.Name] {
			v.add(key+".name", "queue %s is there twice", q.Name)
		}
		seen[region+"/"+q.Name] = true
	}
}

func (c *Config) validateAccounts(v *validation) {
	before := len(v.errs)
	for i, a := range c.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		if !arn.ValidAccount(a.ID) {
			v.add(key+".id", "must have 12 digits, not %q", a.ID)
		}
		for j, u := range a.Users {
			v.policies(fmt.Sprintf("%s.users[%d].policies", key, j), u.Policies)
		}
		for j, r := range a.Roles {
			key := fmt.Sprintf("%s.roles[%d]", key, j)
			if _, err := policy.Parse(string(r.Trust)); err != nil {
				v.add(key+".trust", "%v", err)
			}
			v.policies(key+".policies", r.Policies)
		}
	}
	who, err := c.IAM()
	if err != nil {
		v.add("root", "%v", err)
		return
	}
	if len(v.errs) > before {
		return // the directory would say the same again, without the line
	}
	// Any server key will do to see whether the directory can be built.
	if _, err := iam.NewDirectory(who, make([]byte, 32), rand.Reader); err != nil {
		v.add("accounts", "%s", strings.TrimPrefix(err.Error(), "iam: "))
	}
}

// validation collects what is wrong.
type validation struct {
	config *Config
	errs   []error
}

func (v *validation) add(key, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	s, ok := v.config.source(key)
	switch {
	case !ok:
		v.errs = append(v.errs, fmt.Errorf("%s: %s", key, message))
	case s.File != "":
		v.errs = append(v.errs, fmt.Errorf("%s: %s: %s", s, key, message))
	default:
		v.errs = append(v.errs, fmt.Errorf("%s (%s): %s", key, s, message))
	}
}

func (v *validation) between(key string, n, low, high int64) {
	if n < low || n > high {
		v.add(key, "must be between %d and %d, not %d", low, high, n)
	}
}

func (v *validation) policies(key string, policies []Policy) {
	for i, p := range policies {
		d, err := policy.Parse(string(p))
		if err == nil {
			err = d.CheckIdentity()
		}
		if err != nil {
			v.add(fmt.Sprintf("%s[%d]", key, i), "%v", err)
		}
	}
}
