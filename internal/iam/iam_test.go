package iam

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/smithy"
)

const (
	acctA = "111111111111"
	acctB = "222222222222"
	queue = "arn:aws:sqs:us-east-1:111111111111:orders"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const (
	allowSend = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}}`
	allowAll  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	denySend  = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sqs:Send*","Resource":"*"}}`
	trust     = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/direct"},"Action":"sts:AssumeRole"}]}`
)

func directory(t testing.TB) *Directory {
	t.Helper()
	d, err := NewDirectory(Config{Accounts: []Account{
		{ID: acctA, RootKeys: []Key{{"AKIAROOTA", "s1"}}, Users: []User{
			{Name: "sender", Path: "/team/", Keys: []Key{{"AKIASENDER", "s2"}}, Policies: []string{allowSend}},
			{Name: "nobody", Keys: []Key{{"AKIANOBODY", "s3"}}},
			{Name: "denied", Keys: []Key{{"AKIADENIED", "s4"}}, Policies: []string{denySend, allowAll}},
			{Name: "direct", Keys: []Key{{"AKIADIRECT", "s5"}}},
		}, Roles: []Role{{Name: "worker", Path: "/svc/", Trust: trust, Policies: []string{allowAll}}}},
		{ID: acctB, RootKeys: []Key{{"AKIAROOTB", "s6"}}, Users: []User{
			{Name: "sender", Keys: []Key{{"AKIASENDERB", "s7"}}, Policies: []string{allowAll}},
			{Name: "nobody", Keys: []Key{{"AKIANOBODYB", "s8"}}},
		}},
	}}, bytes.Repeat([]byte{7}, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *Directory) key(t testing.TB, id string) *Principal {
	t.Helper()
	_, p, err := d.Secret(id, "", now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func resourcePolicy(statement string) *policy.Document {
	if statement == "" {
		return nil
	}
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[{"Action":"sqs:*","Resource":"*",` + strings.ReplaceAll(statement, "'", `"`) + `}]}`)
	if err != nil {
		panic(err)
	}
	return d
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	d := directory(t)
	const (
		everyone  = `'Effect':'Allow','Principal':'*'`
		accountA  = `'Effect':'Allow','Principal':{'AWS':'111111111111'}`
		accountB  = `'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::222222222222:root'}`
		nobodyA   = `'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:user/nobody'}`
		senderB   = `'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::222222222222:user/sender'}`
		denyAll   = `'Effect':'Deny','Principal':'*'`
		fromTopic = `'Effect':'Allow','Principal':{'Service':'sns.amazonaws.com'},'Condition':{'ArnEquals':{'aws:SourceArn':'arn:aws:sns:us-east-1:111111111111:t'}}`
		otherOne  = `'Effect':'Allow','Principal':{'Service':'sns.amazonaws.com'},'Condition':{'ArnEquals':{'aws:SourceArn':'arn:aws:sns:us-east-1:111111111111:u'}}`
		insider   = `'Effect':'Allow','Principal':'*','Condition':{'StringEquals':{'aws:PrincipalAccount':'222222222222'}}`
		noBasis   = "because no identity-based policy allows the sqs:sendmessage action"
		noGrant   = "because no resource-based policy allows the sqs:sendmessage action"
		byOwner   = "with an explicit deny in a resource-based policy"
		byPolicy  = "with an explicit deny in an identity-based policy"
	)
	dev := NewDev(acctA).Principal("test")
	topic := ServicePrincipal("sns.amazonaws.com")
	for _, tc := range []struct {
		who      *Principal
		resource string
		only     bool // OwnerOnly
		want     string
	}{
		{d.key(t, "AKIAROOTA"), "", false, ""},
		{d.key(t, "AKIAROOTA"), accountB, false, ""},
		{d.key(t, "AKIAROOTA"), "", true, ""},
		{d.key(t, "AKIAROOTA"), denyAll, false, byOwner},
		{d.key(t, "AKIASENDER"), "", false, ""},
		{d.key(t, "AKIASENDER"), "", true, ""},
		{d.key(t, "AKIASENDER"), denyAll, false, byOwner},
		{d.key(t, "AKIANOBODY"), "", false, noBasis},
		{d.key(t, "AKIANOBODY"), everyone, false, ""},
		{d.key(t, "AKIANOBODY"), nobodyA, false, ""},
		{d.key(t, "AKIANOBODY"), accountA, false, noBasis}, // delegation, and nothing delegated
		{d.key(t, "AKIASENDER"), accountA, false, ""},
		{d.key(t, "AKIANOBODY"), accountB, false, noBasis},
		{d.key(t, "AKIADENIED"), "", false, byPolicy},
		{d.key(t, "AKIADENIED"), everyone, false, byPolicy},
		{d.key(t, "AKIAROOTB"), "", false, noGrant},
		{d.key(t, "AKIAROOTB"), accountB, false, ""},
		{d.key(t, "AKIAROOTB"), accountB, true, noGrant},
		{d.key(t, "AKIAROOTB"), everyone, false, ""},
		{d.key(t, "AKIASENDERB"), "", false, noGrant},
		{d.key(t, "AKIASENDERB"), accountB, false, ""},
		{d.key(t, "AKIASENDERB"), senderB, false, ""},
		{d.key(t, "AKIASENDERB"), everyone, false, ""},
		{d.key(t, "AKIASENDERB"), everyone, true, noGrant},
		{d.key(t, "AKIASENDERB"), accountA, false, noGrant},
		{d.key(t, "AKIASENDERB"), insider, false, ""},
		{d.key(t, "AKIANOBODYB"), senderB, false, noGrant},
		{d.key(t, "AKIANOBODYB"), accountB, false, noBasis},
		{d.key(t, "AKIANOBODYB"), everyone, false, noBasis},
		{Anonymous(), "", false, noGrant},
		{Anonymous(), everyone, false, ""},
		{Anonymous(), everyone, true, noGrant},
		{Anonymous(), accountA, false, noGrant},
		{Anonymous(), insider, false, noGrant},
		{Anonymous(), denyAll, false, byOwner},
		{topic, "", false, noGrant},
		{topic, fromTopic, false, ""},
		{topic, otherOne, false, noGrant},
		{topic, accountA, false, noGrant},
		{dev, denyAll, false, ""},
	} {
		ctx := &Context{Now: now, SourceIP: netip.MustParseAddr("127.0.0.1")}
		if tc.who == topic {
			ctx.SourceARN = "arn:aws:sns:us-east-1:111111111111:t"
		}
		err := Authorize(tc.who, Access{Action: "sqs:SendMessage", Resource: queue, Owner: acctA, Policy: resourcePolicy(tc.resource), OwnerOnly: tc.only}, ctx)
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s with %s: %v", tc.who.ARN, tc.resource, err)
			}
			continue
		}
		want := "User: " + tc.who.ARN + " is not authorized to perform: sqs:sendmessage on resource: " + queue + " " + tc.want
		var e *smithy.APIError
		if !errors.As(err, &e) || e.ErrorType != smithy.AccessDenied || e.Message != want {
			t.Errorf("%s with %s (owner only %v):\n got %v\nwant %s", tc.who.ARN, tc.resource, tc.only, err, want)
		}
	}
	if err := Authorize(d.key(t, "AKIASENDERB"), Access{Action: "sqs:ListQueues", Resource: "*"}, &Context{}); err != nil {
		t.Errorf("no owner means the caller's account: %v", err)
	}
}

func TestContextKeys(t *testing.T) {
	t.Parallel()
	d := directory(t)
	ctx := &Context{
		Now: now, SourceIP: netip.MustParseAddr("::ffff:10.1.2.3"), Region: "eu-west-1", UserAgent: "ua", Referer: "ref",
		SourceAccount: acctB, Keys: map[string][]string{"sns:protocol": {"sqs"}},
	}
	p := d.key(t, "AKIASENDER")
	lookup := ctx.lookup(p)
	for key, want := range map[string]string{
		"aws:currenttime": "2026-05-01T12:00:00Z", "aws:epochtime": "1777636800", "aws:securetransport": "false", "aws:sourceip": "10.1.2.3",
		"aws:requestedregion": "eu-west-1", "aws:useragent": "ua", "aws:referer": "ref", "aws:sourceaccount": acctB, "aws:sourcearn": "",
		"aws:principaltype": "User", "aws:principalaccount": acctA, "aws:principalarn": "arn:aws:iam::111111111111:user/team/sender",
		"aws:userid": p.UserID, "aws:username": "sender", "sns:protocol": "sqs", "aws:principalisawsservice": "false", "nothing": "",
	} {
		if got := strings.Join(lookup(key), "|"); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	d := directory(t)
	ctx := &Context{Now: now}
	const roleARN = "arn:aws:iam::111111111111:role/svc/worker"
	for id, ok := range map[string]bool{
		"AKIAROOTB": true, "AKIASENDERB": true, "AKIADIRECT": true,
		"AKIANOBODYB": false, "AKIASENDER": false, "AKIAROOTA": false, "AKIADENIED": false,
	} {
		_, _, err := d.AssumeRole(d.key(t, id), roleARN, "s1", "", time.Hour, ctx)
		if (err == nil) != ok {
			t.Errorf("%s: %v", id, err)
		}
	}
	cred, who, err := d.AssumeRole(d.key(t, "AKIADIRECT"), roleARN, "s1", allowSend, time.Hour, ctx)
	if err != nil {
		t.Fatal(err)
	}
	// A restart: another directory with the same key opens the token.
	secret, p, err := directory(t).Secret(cred.AccessKeyID, cred.SessionToken, now)
	if err != nil || secret != cred.SecretAccessKey || p.ARN != who.ARN || p.UserID != who.UserID {
		t.Fatalf("got %+v, %v", p, err)
	}
	if p.ARN != "arn:aws:sts::111111111111:assumed-role/worker/s1" || !regexp.MustCompile(`^AROA[A-Z2-7]{17}:s1$`).MatchString(p.UserID) {
		t.Errorf("got %+v", p)
	}
	if err := Authorize(p, Access{Action: "sqs:SendMessage", Resource: queue}, ctx); err != nil {
		t.Error(err)
	}
	err = Authorize(p, Access{Action: "sqs:DeleteQueue", Resource: queue}, ctx)
	if err == nil || !strings.Contains(err.Error(), "because no session policy allows the sqs:deletequeue action") {
		t.Errorf("the session policy does not limit: %v", err)
	}
	if got := ctx.lookup(p)("aws:principalarn"); got[0] != roleARN {
		t.Errorf("aws:PrincipalArn = %v", got)
	}
	for _, bad := range []struct {
		role, name, policy string
		duration           time.Duration
	}{
		{roleARN, "", "", time.Hour}, {roleARN, "a b", "", time.Hour}, {roleARN, "s1", "{", time.Hour},
		{roleARN, "s1", "", time.Minute}, {roleARN, "s1", "", 13 * time.Hour}, {"arn:aws:iam::111111111111:role/none", "s1", "", time.Hour},
	} {
		if _, _, err := d.AssumeRole(d.key(t, "AKIADIRECT"), bad.role, bad.name, bad.policy, bad.duration, ctx); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}

func TestSessionTokens(t *testing.T) {
	t.Parallel()
	d := directory(t)
	for _, id := range []string{"AKIASENDER", "AKIAROOTB"} {
		long := d.key(t, id)
		cred, err := d.GetSessionToken(long, time.Hour, now)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(cred.AccessKeyID) || len(cred.SecretAccessKey) != 40 {
			t.Errorf("got %q", cred.AccessKeyID)
		}
		if account, ok := accountOf(cred.AccessKeyID); !ok || account != long.Account {
			t.Errorf("%s tells account %q", cred.AccessKeyID, account)
		}
		for range 2 { // opened, then from the cache
			secret, p, err := d.Secret(cred.AccessKeyID, cred.SessionToken, now.Add(time.Hour-time.Second))
			if err != nil || secret != cred.SecretAccessKey || p.ARN != long.ARN || p.UserID != long.UserID {
				t.Fatalf("got %+v, %v", p, err)
			}
			if _, err := d.GetSessionToken(p, time.Hour, now); err == nil {
				t.Error("a session got another session")
			}
		}
		for what, use := range map[string][2]string{
			"another key":  {"ASIAQAAAAAAAGMKEM7X5", cred.SessionToken},
			"no token":     {cred.AccessKeyID, ""},
			"a cut token":  {cred.AccessKeyID, cred.SessionToken[:len(cred.SessionToken)-4]},
			"a long token": {cred.AccessKeyID, strings.Repeat("A", maxSessionToken+4)},
			"a false one":  {cred.AccessKeyID, "test"},
		} {
			_, _, err := d.Secret(use[0], use[1], now)
			var e *smithy.APIError
			if !errors.As(err, &e) || e.ErrorType != smithy.UnrecognizedClient {
				t.Errorf("%s: %v", what, err)
			}
		}
		for i := range cred.SessionToken {
			b := []byte(cred.SessionToken)
			b[i] ^= 1
			if _, _, err := d.Secret(cred.AccessKeyID, string(b), now); err == nil {
				t.Fatalf("a token changed at %d was accepted", i)
			}
		}
		_, _, err = d.Secret(cred.AccessKeyID, cred.SessionToken, now.Add(time.Hour))
		var e *smithy.APIError
		if !errors.As(err, &e) || e.ErrorType != smithy.ExpiredToken {
			t.Errorf("expired: %v", err)
		}
		other, err := NewDirectory(Config{Accounts: []Account{{ID: acctA, RootKeys: []Key{{"AKIAROOTA", "s"}}}}}, bytes.Repeat([]byte{7}, 32), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := other.Secret(cred.AccessKeyID, cred.SessionToken, now); err == nil {
			t.Error("a token of somebody who is gone was accepted")
		}
	}
	if _, err := d.GetSessionToken(d.key(t, "AKIAROOTA"), 2*time.Hour, now); err == nil {
		t.Error("root sessions end within an hour")
	}
}

func TestDev(t *testing.T) {
	t.Parallel()
	d := NewDev("000000000000")
	for key, want := range map[string]string{
		"": "000000000000", "test": "000000000000", "123456789012": "123456789012", "1234": "000000000000",
		"AKIARZPUZDIKGB2VALC4": "000000000000", "LSIARZPUZDIKGB2VALC4": "123456789012", "LKIAQAAAAAAAGMKEM7X5": "000000000000",
		"LSIASP2TPHJSQH3FJXYZ": "171436882533", "LSIA11111111": "000000000000",
	} {
		p := d.Principal(key)
		if p.Account != want || p.UserID != want || !p.Unrestricted || p.ARN != "arn:aws:iam::"+want+":root" || p.AccessKeyID != key {
			t.Errorf("%q: got %+v", key, p)
		}
		if d.Principal(key) != p {
			t.Errorf("%q: made twice", key)
		}
	}
}

func TestUserIDs(t *testing.T) {
	t.Parallel()
	p := directory(t).key(t, "AKIASENDER")
	if !regexp.MustCompile(`^AIDA[A-Z2-7]{17}$`).MatchString(p.UserID) || p.UserID != directory(t).key(t, "AKIASENDER").UserID {
		t.Errorf("got %q", p.UserID)
	}
	if p.UserID == directory(t).key(t, "AKIASENDERB").UserID {
		t.Error("the same name in another account has the same id")
	}
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	key := []Key{{"AKIA1", "s"}}
	for name, a := range map[string][]Account{
		"account id":     {{ID: "1"}},
		"account twice":  {{ID: acctA}, {ID: acctA}},
		"key twice":      {{ID: acctA, RootKeys: key}, {ID: acctB, RootKeys: key}},
		"no secret":      {{ID: acctA, RootKeys: []Key{{"AKIA1", ""}}}},
		"bad key id":     {{ID: acctA, RootKeys: []Key{{"AK/A", "s"}}}},
		"user twice":     {{ID: acctA, Users: []User{{Name: "u"}, {Name: "u"}}}},
		"user name":      {{ID: acctA, Users: []User{{Name: "u/v"}}}},
		"user path":      {{ID: acctA, Users: []User{{Name: "u", Path: "x"}}}},
		"user policy":    {{ID: acctA, Users: []User{{Name: "u", Policies: []string{"{}"}}}}},
		"with principal": {{ID: acctA, Users: []User{{Name: "u", Policies: []string{trust}}}}},
		"role trust":     {{ID: acctA, Roles: []Role{{Name: "r", Trust: allowAll}}}},
	} {
		if _, err := NewDirectory(Config{Accounts: a}, make([]byte, 32), rand.Reader); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewDirectory(Config{}, make([]byte, 31), rand.Reader); err == nil {
		t.Error("accepted a short server key")
	}
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var r recent[int]
	for i := range 10 * recentGeneration {
		r.put(strings.Repeat("x", i%7)+time.Duration(i).String(), i)
		r.put("kept", 1)
		if len(r.young)+len(r.old) > 2*recentGeneration {
			t.Fatal("grew")
		}
	}
	if _, ok := r.get("kept"); !ok {
		t.Error("lost what was in use")
	}
}

func BenchmarkAuthorize(b *testing.B) {
	d := directory(b)
	p := d.key(b, "AKIASENDER")
	a := Access{Action: "sqs:SendMessage", Resource: queue, Owner: acctA, Policy: resourcePolicy(`'Effect':'Allow','Principal':{'AWS':'222222222222'}`)}
	ctx := &Context{Now: now}
	b.ReportAllocs()
	for b.Loop() {
		if err := Authorize(p, a, ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionSecret(b *testing.B) {
	d := directory(b)
	cred, err := d.GetSessionToken(d.key(b, "AKIASENDER"), time.Hour, now)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Secret(cred.AccessKeyID, cred.SessionToken, now); err != nil {
			b.Fatal(err)
		}
	}
}
