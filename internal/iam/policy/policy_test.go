package policy

import (
	"strings"
	"testing"
)

const queue = "arn:aws:sqs:us-east-1:111111111111:orders"

var (
	alice = &Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/alice", UniqueID: "AIDAALICEALICEALICE2"}
	bob   = &Principal{Account: "222222222222", ARN: "arn:aws:iam::222222222222:user/bob"}
	robot = &Principal{Account: "111111111111", ARN: "arn:aws:sts::111111111111:assumed-role/robot/s1", RoleARN: "arn:aws:iam::111111111111:role/svc/robot"}
	anon  = &Principal{}
	sns   = &Principal{Service: "sns.amazonaws.com"}
)

func lookupOf(m map[string][]string) Lookup {
	return func(key string) []string { return m[key] }
}

func statementOf(s string) string {
	return `{"Version":"2012-10-17","Statement":[{` + strings.ReplaceAll(s, "'", `"`) + `}]}`
}

func TestEvaluatePrincipal(t *testing.T) {
	t.Parallel()
	all := `'Effect':'Allow','Action':'sqs:*','Resource':'*',`
	for _, tc := range []struct {
		principal string
		who       *Principal
		want      Decision
	}{
		{`'Principal':'*'`, alice, Allow},
		{`'Principal':'*'`, anon, Allow},
		{`'Principal':'*'`, sns, Allow},
		{`'Principal':{'AWS':'*'}`, anon, Allow},
		{`'Principal':{'AWS':'111111111111'}`, alice, AllowAccount},
		{`'Principal':{'AWS':'111111111111'}`, bob, NoMatch},
		{`'Principal':{'AWS':'111111111111'}`, anon, NoMatch},
		{`'Principal':{'AWS':'arn:aws:iam::111111111111:root'}`, robot, AllowAccount},
		{`'Principal':{'AWS':['222222222222','arn:aws:iam::111111111111:user/alice']}`, alice, Allow},
		{`'Principal':{'AWS':'arn:aws:iam::111111111111:user/alic'}`, alice, NoMatch},
		{`'Principal':{'AWS':'AIDAALICEALICEALICE2'}`, alice, Allow},
		{`'Principal':{'AWS':'arn:aws:iam::111111111111:role/svc/robot'}`, robot, Allow},
		{`'Principal':{'AWS':'arn:aws:sts::111111111111:assumed-role/robot/s1'}`, robot, Allow},
		{`'Principal':{'AWS':'arn:aws:sts::111111111111:assumed-role/robot/s2'}`, robot, NoMatch},
		{`'Principal':{'Service':'sns.amazonaws.com'}`, sns, Allow},
		{`'Principal':{'Service':'s3.amazonaws.com'}`, sns, NoMatch},
		{`'Principal':{'Service':'sns.amazonaws.com'}`, alice, NoMatch},
		{`'Principal':{'CanonicalUser':'79a59d'}`, alice, NoMatch},
		{`'Principal':{'Federated':'accounts.google.com'}`, &Principal{Federated: "accounts.google.com"}, Allow},
		{`'NotPrincipal':{'AWS':'arn:aws:iam::111111111111:user/alice'}`, alice, NoMatch},
		{`'NotPrincipal':{'AWS':'arn:aws:iam::111111111111:user/alice'}`, bob, Allow},
		{`'NotPrincipal':{'AWS':'arn:aws:iam::111111111111:user/alice'}`, anon, Allow},
		{`'NotPrincipal':{'AWS':'111111111111'}`, robot, NoMatch},
		{`'NotPrincipal':'*'`, anon, NoMatch},
		{`'Sid':'none'`, alice, NoMatch}, // no principal in a resource policy reaches nobody
		{`'Sid':'none'`, nil, Allow},     // and in an identity policy its owner
	} {
		d, err := Parse(statementOf(all + tc.principal))
		if err != nil {
			t.Errorf("%s: %v", tc.principal, err)
			continue
		}
		got := d.Evaluate(&Request{Principal: tc.who, Action: "sqs:SendMessage", Resource: queue})
		if got != tc.want {
			t.Errorf("%s for %+v: got %v, want %v", tc.principal, tc.who, got, tc.want)
		}
	}
}

func TestEvaluateActionAndResource(t *testing.T) {
	t.Parallel()
	keys := lookupOf(map[string][]string{"aws:username": {"alice"}, "aws:wild": {"*"}, "aws:many": {"a", "b"}})
	for _, tc := range []struct {
		statement string
		want      Decision
	}{
		{`'Action':'*','Resource':'*'`, Allow},
		{`'Action':'SQS:sendmessage','Resource':'*'`, Allow},
		{`'Action':'sqs:Send*','Resource':'*'`, Allow},
		{`'Action':'s?s:*Mess?ge','Resource':'*'`, Allow},
		{`'Action':'sqs:Receive*','Resource':'*'`, NoMatch},
		{`'Action':['sns:*','sqs:SendMessage'],'Resource':'*'`, Allow},
		{`'NotAction':'sqs:SendMessage','Resource':'*'`, NoMatch},
		{`'NotAction':'sqs:Delete*','Resource':'*'`, Allow},
		{`'Action':'*','Resource':'arn:aws:sqs:us-east-1:111111111111:orders'`, Allow},
		{`'Action':'*','Resource':'arn:aws:sqs:us-east-1:111111111111:Orders'`, NoMatch},
		{`'Action':'*','Resource':'arn:aws:sqs:*:111111111111:ord*'`, Allow},
		{`'Action':'*','Resource':'arn:aws:sqs:*'`, Allow},
		{`'Action':'*','Resource':'arn:aws:sqs:us-east-1:111111111111:order?'`, Allow},
		{`'Action':'*','Resource':'arn:aws:sqs:us-east-1:111111111111:orders?'`, NoMatch},
		{`'Action':'*','NotResource':'arn:aws:sqs:*:*:orders'`, NoMatch},
		{`'Action':'*','NotResource':'arn:aws:sqs:*:*:other'`, Allow},
		{`'Action':'*','Resource':'arn:aws:sqs:*:*:${aws:username}'`, NoMatch},
		{`'Action':'*','Resource':'arn:aws:sqs:*:*:${aws:wild}'`, NoMatch}, // a value is not a pattern
		{`'Action':'*','Resource':'arn:aws:sqs:*:*:${aws:many}'`, NoMatch},
		{`'Action':'*','Resource':'arn:aws:sqs:*:*:${aws:absent}'`, NoMatch},
		{`'Action':'*','Resource':'arn:aws:sqs:*:*:${aws:absent, 'orders'}'`, Allow},
		{`'Action':'*','Resource':'arn:aws:sqs:*:*:${*}'`, NoMatch},
	} {
		source := statementOf(`'Effect':'Allow',` + tc.statement)
		source = strings.ReplaceAll(source, `"orders"}`, `'orders'}`)
		d, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", tc.statement, err)
			continue
		}
		if got := d.Evaluate(&Request{Action: "sqs:SendMessage", Resource: queue, Lookup: keys}); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.statement, got, tc.want)
		}
	}
}

func TestPolicyVariables(t *testing.T) {
	t.Parallel()
	keys := lookupOf(map[string][]string{"aws:username": {"orders"}})
	source := statementOf(`'Effect':'Allow','Action':'*','Resource':'arn:aws:sqs:*:*:${aws:UserName}'`)
	for version, want := range map[string]Decision{"2012-10-17": Allow, "2008-10-17": NoMatch} {
		d, err := Parse(strings.Replace(source, "2012-10-17", version, 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Evaluate(&Request{Action: "sqs:SendMessage", Resource: queue, Lookup: keys}); got != want {
			t.Errorf("%s: got %v, want %v", version, got, want)
		}
	}
}

func TestExplicitDenyWins(t *testing.T) {
	t.Parallel()
	d, err := Parse(`{"Statement":[
		{"Effect":"Deny","Action":"sqs:Delete*","Resource":"*"},
		{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"sqs:Purge*","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string]Decision{"sqs:DeleteMessage": ExplicitDeny, "sqs:PurgeQueue": ExplicitDeny, "sqs:SendMessage": Allow} {
		if got := d.Evaluate(&Request{Action: action, Resource: queue}); got != want {
			t.Errorf("%s: got %v, want %v", action, got, want)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	keys := lookupOf(map[string][]string{
		"s": {"Hello"}, "n": {"15"}, "d": {"2026-05-01T12:00:00Z"}, "b": {"true"}, "ip": {"203.0.113.7"}, "ip6": {"2001:db8::1"},
		"mapped": {"::ffff:203.0.113.7"}, "arn": {queue}, "bin": {"AAEC"}, "tags": {"red", "blue"}, "aws:username": {"Hello"}, "e": {"1777636800"},
		"q": {"a?b"},
	})
	for _, tc := range []struct {
		condition string
		want      bool
	}{
		{`'StringEquals':{'s':'Hello'}`, true},
		{`'stringequals':{'S':'Hello'}`, true},
		{`'StringEquals':{'s':'hello'}`, false},
		{`'StringEquals':{'s':['x','Hello']}`, true},
		{`'StringEquals':{'s':'H*'}`, false},
		{`'StringEquals':{'absent':'x'}`, false},
		{`'StringEqualsIfExists':{'absent':'x'}`, true},
		{`'StringEqualsIfExists':{'s':'x'}`, false},
		{`'StringEquals':{'s':[]}`, false},
		{`'StringNotEquals':{'s':'x'}`, true},
		{`'StringNotEquals':{'s':['x','Hello']}`, false},
		{`'StringNotEquals':{'absent':'x'}`, true},
		{`'StringEqualsIgnoreCase':{'s':'hELLO'}`, true},
		{`'StringNotEqualsIgnoreCase':{'s':'hELLO'}`, false},
		{`'StringLike':{'s':'H*l?'}`, true},
		{`'StringLike':{'s':'H*x'}`, false},
		{`'StringNotLike':{'s':'H*'}`, false},
		{`'StringEquals':{'s':'${aws:username}'}`, true},
		{`'StringEquals':{'s':'${aws:absent}'}`, false},
		{`'StringLike':{'q':'a${?}b'}`, true},
		{`'StringLike':{'s':'H${?}llo'}`, false},
		{`'NumericEquals':{'n':15}`, true},
		{`'NumericEquals':{'n':'15.0'}`, true},
		{`'NumericNotEquals':{'n':15}`, false},
		{`'NumericLessThan':{'n':15}`, false},
		{`'NumericLessThanEquals':{'n':15}`, true},
		{`'NumericGreaterThan':{'n':14}`, true},
		{`'NumericGreaterThanEquals':{'n':16}`, false},
		{`'NumericEquals':{'s':15}`, false},
		{`'DateEquals':{'d':'2026-05-01T12:00:00Z'}`, true},
		{`'DateEquals':{'d':1777636800}`, true},
		{`'DateEquals':{'e':'2026-05-01T12:00:00Z'}`, true},
		{`'DateGreaterThan':{'d':'2026-05-01'}`, true},
		{`'DateGreaterThan':{'d':'2027'}`, false},
		{`'DateLessThan':{'d':'2026-05-01T12:00:00+02:00'}`, false},
		{`'DateNotEquals':{'d':'2025-05-01'}`, true},
		{`'Bool':{'b':true}`, true},
		{`'Bool':{'b':'false'}`, false},
		{`'Bool':{'absent':'false'}`, false},
		{`'BoolIfExists':{'absent':'true'}`, true},
		{`'IpAddress':{'ip':'203.0.113.0/24'}`, true},
		{`'IpAddress':{'ip':'203.0.113.9/24'}`, true},
		{`'IpAddress':{'ip':'203.0.113.7'}`, true},
		{`'IpAddress':{'mapped':'203.0.113.0/24'}`, true},
		{`'IpAddress':{'ip':['10.0.0.0/8','192.168.0.0/16']}`, false},
		{`'IpAddress':{'ip6':'2001:db8::/32'}`, true},
		{`'IpAddress':{'ip6':'203.0.113.0/24'}`, false},
		{`'IpAddress':{'absent':'0.0.0.0/0'}`, false},
		{`'NotIpAddress':{'ip':'203.0.113.0/24'}`, false},
		{`'NotIpAddress':{'ip':'10.0.0.0/8'}`, true},
		{`'ArnEquals':{'arn':'arn:aws:sqs:us-east-1:111111111111:orders'}`, true},
		{`'ArnLike':{'arn':'arn:aws:sqs:*:*:ord*'}`, true},
		{`'ArnLike':{'arn':'arn:aws:sqs:*:orders'}`, false}, // would need a wildcard over a colon
		{`'ArnNotLike':{'arn':'arn:aws:sns:*:*:*'}`, true},
		{`'ArnNotEquals':{'arn':'arn:aws:sqs:us-east-1:111111111111:orders'}`, false},
		{`'ArnLike':{'s':'*'}`, false},
		{`'ArnEqualsIfExists':{'absent':'arn:aws:sns:*:*:*'}`, true},
		{`'BinaryEquals':{'bin':'AAEC'}`, true},
		{`'BinaryEquals':{'bin':'AAED'}`, false},
		{`'Null':{'absent':'true'}`, true},
		{`'Null':{'absent':false}`, false},
		{`'Null':{'s':'false'}`, true},
		{`'ForAllValues:StringEquals':{'tags':['red','blue','green']}`, true},
		{`'ForAllValues:StringEquals':{'tags':['red']}`, false},
		{`'ForAllValues:StringEquals':{'absent':['red']}`, true},
		{`'ForAllValues:StringNotEquals':{'tags':['green']}`, true},
		{`'ForAnyValue:StringEquals':{'tags':['red']}`, true},
		{`'ForAnyValue:StringEquals':{'tags':['green']}`, false},
		{`'ForAnyValue:StringEquals':{'absent':['red']}`, false},
		{`'ForAnyValue:StringNotEquals':{'tags':['red']}`, true},
		{`'ForAnyValue:StringNotEquals':{'absent':['red']}`, false},
		{`'ForAnyValue:StringEqualsIfExists':{'absent':['red']}`, true},
		{`'StringEquals':{'s':'Hello'},'Bool':{'b':'false'}`, false},
		{`'StringEquals':{'s':'Hello','n':'15'}`, true},
	} {
		d, err := Parse(statementOf(`'Effect':'Allow','Action':'*','Resource':'*','Condition':{` + tc.condition + `}`))
		if err != nil {
			t.Errorf("%s: %v", tc.condition, err)
			continue
		}
		if got := d.Evaluate(&Request{Action: "a:b", Resource: "*", Lookup: keys}) == Allow; got != tc.want {
			t.Errorf("%s: got %v", tc.condition, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	ok := `'Effect':'Allow','Action':'sqs:*','Resource':'*'`
	sources := []string{
		"", "{}", "[]", "null", `{"Statement":[]}`, `{"Statement":null}`, `{"Version":"2020-01-01","Statement":{}}`,
		statementOf(ok) + "x", statementOf(ok) + "{}", `{"Id":1,` + statementOf(ok)[1:], `{"Extra":1,` + statementOf(ok)[1:],
		strings.Repeat("[", 100), `{"Statement":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + "}",
		`{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*"},{"Sid":"a","Effect":"Allow","Action":"*"}]}`,
		statementOf(ok + `,'Sid':'` + strings.Repeat("x", MaxSourceBytes) + `'`),
	}
	for _, s := range []string{
		`'Action':'*','Resource':'*'`, `'Effect':'allow','Action':'*'`, `'Effect':'Allow','Resource':'*'`,
		`'Effect':'Allow','Action':[],'Resource':'*'`, `'Effect':'Allow','Action':'SendMessage'`, `'Effect':'Allow','Action':'sqs:'`,
		`'Effect':'Allow','Action':1`, `'Effect':'Allow','Action':'a:b:c'`, `'Effect':'Allow','Action':'*','Resource':'queue'`,
		ok + `,'Effect':'Deny'`, ok + `,'NotAction':'*'`, ok + `,'NotResource':'*'`, ok + `,'Extra':1`, ok + `,'Sid':1`,
		ok + `,'Principal':'111111111111'`, ok + `,'Principal':{}`, ok + `,'Principal':{'AWS':'alice'}`, ok + `,'Principal':{'AWS':[]}`,
		ok + `,'Principal':{'AWS':'arn:aws:iam::111111111111:user/*'}`, ok + `,'Principal':{'AWS':'arn:aws:sqs::111111111111:user/x'}`,
		ok + `,'Principal':{'AWS':'arn:aws:iam::1:root'}`, ok + `,'Principal':{'Other':'x'}`, ok + `,'Principal':'*','NotPrincipal':'*'`,
		ok + `,'Condition':[]`, ok + `,'Condition':{'Unknown':{'a':'b'}}`, ok + `,'Condition':{'Unknown':{'a':[]}}`, ok + `,'Condition':{'StringEquals':'x'}`,
		ok + `,'Condition':{'StringEquals':{'':'x'}}`, ok + `,'Condition':{'StringEquals':{'a':{}}}`, ok + `,'Condition':{'NumericEquals':{'a':'x'}}`,
		ok + `,'Condition':{'DateEquals':{'a':'x'}}`, ok + `,'Condition':{'Bool':{'a':'x'}}`, ok + `,'Condition':{'IpAddress':{'a':'300.1.1.1'}}`,
		ok + `,'Condition':{'ArnLike':{'a':'x'}}`, ok + `,'Condition':{'BinaryEquals':{'a':'%'}}`, ok + `,'Condition':{'NullIfExists':{'a':'true'}}`,
	} {
		sources = append(sources, statementOf(s))
	}
	for _, s := range sources {
		if _, err := Parse(s); err == nil {
			t.Errorf("Parse accepted %.120s", s)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	source := `{"Version":"2008-10-17","Id":"x/SQSDefaultPolicy","Statement":[
		{"Effect":"Allow","Action":"SQS:*","Principal":{"AWS":["111111111111","222222222222"],"Service":"sns.amazonaws.com"},"Resource":"*"},
		{"Effect":"Allow","Action":"SQS:*","Principal":"*","Resource":"*","Condition":{"StringEquals":{"a":"b","c":"d"}}}]}`
	d, err := Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	if d.Statements() != 2 || d.Principals() != 4 || d.Conditions() != 2 || d.ID() != "x/SQSDefaultPolicy" || d.Source() != source {
		t.Errorf("got %d statements, %d principals, %d conditions, id %q", d.Statements(), d.Principals(), d.Conditions(), d.ID())
	}
	if d.CheckResource() != nil || d.CheckIdentity() == nil {
		t.Error("a document with principals is a resource policy")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(statementOf(`'Effect':'Allow','Action':'sqs:*','Resource':'arn:aws:sqs:*:*:${aws:username}','Principal':{'AWS':'111111111111'}`))
	f.Add(statementOf(`'Effect':'Deny','NotAction':['sqs:*'],'Resource':'*','Condition':{'ForAnyValue:StringLikeIfExists':{'a':['*?*','b']}}`))
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","NotPrincipal":"*","Condition":{"ArnLike":{"a":"arn:${x:y}:*:*:*:*"}}}}`)
	f.Fuzz(func(t *testing.T, source string) {
		d, err := Parse(source)
		if err != nil {
			return
		}
		if d.Source() != source || d.Statements() == 0 {
			t.Fatal("a parsed document lost its source or statements")
		}
		keys := func(key string) []string { return []string{key, queue, "1.2.3.4"} }
		for _, who := range []*Principal{nil, alice, anon} {
			d.Evaluate(&Request{Principal: who, Action: "sqs:SendMessage", Resource: queue, Lookup: keys})
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	d, err := Parse(statementOf(`'Effect':'Allow','Action':['sqs:Receive*','sqs:Send*'],'Resource':'arn:aws:sqs:us-east-1:111111111111:*','Principal':{'AWS':'arn:aws:iam::111111111111:user/alice'}`))
	if err != nil {
		b.Fatal(err)
	}
	r := &Request{Principal: alice, Action: "sqs:SendMessage", Resource: queue}
	b.ReportAllocs()
	for b.Loop() {
		if d.Evaluate(r) != Allow {
			b.Fatal("not allowed")
		}
	}
}
