package filter

import (
	"strings"
	"testing"
)

// attributes makes a message of "name Type value" lines.
func attributes(lines ...string) *Message {
	m := &Message{}
	for _, line := range lines {
		parts := strings.SplitN(line, " ", 3)
		m.Attributes = append(m.Attributes, Attribute{parts[0], parts[1], parts[2]})
	}
	return m
}

// checkMatch asks the policy, an index with it, and the naive evaluator.
func checkMatch(t *testing.T, policy string, scope Scope, m *Message, want bool) {
	t.Helper()
	p := mustParse(t, policy, scope)
	if got := p.Match(m); got != want {
		t.Errorf("%s with %v %s: got %v, want %v", policy, m.Attributes, m.Body, got, want)
	}
	x := NewIndex[string]()
	x.Add("k", p)
	found := false
	x.Match(fresh(m), func(string) { found = true })
	if found != want {
		t.Errorf("%s with %v %s: the index got %v, want %v", policy, m.Attributes, m.Body, found, want)
	}
	if got := naive(policy, scope, m); got != want {
		t.Errorf("%s with %v %s: naively %v, want %v", policy, m.Attributes, m.Body, got, want)
	}
}

func TestMatchAttributes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy, attribute string // of the name k; "": absent
		want              bool
	}{
		{`["a","b"]`, "String b", true},
		{`["a"]`, "String A", false},
		{`["a"]`, "", false},
		{`["a"]`, "String.label a", true},
		{`["10"]`, "Number 10", false}, // facts, test 31
		{`[10]`, "String 10", false},
		{`[10]`, "Number 10.0", true},
		{`[10]`, "Number.int 1e1", true},
		{`["a"]`, `String.Array ["b","a"]`, true},
		{`[1]`, `String.Array ["1",true,null,1.0]`, true},
		{`[true]`, `String.Array [true]`, true},
		{`[true]`, `String true`, false},
		{`[null]`, `String.Array [null]`, true},
		{`[null]`, "", false}, // facts, test 30
		{`["a"]`, `String.Array [["a"]]`, false},
		{`["a"]`, `String.Array "a"`, false},
		{`["[\"a\"]"]`, `String.Array ["b"`, false},
		{`["a"]`, `String.Array.label ["a"]`, true},
		{`["a"]`, "Binary a", false},

		{`[{"exists":true}]`, "Number x", true},
		{`[{"exists":true}]`, "", false},
		{`[{"exists":true}]`, "Binary YQ==", false},
		{`[{"exists":true}]`, "String.Array []", false},
		{`[{"exists":false}]`, "String a", false},
		{`[{"exists":false}]`, "", true},
		{`[{"exists":false}]`, "Binary YQ==", true},
		{`["a",{"exists":false}]`, "String a", true},
		{`["a",{"exists":false}]`, "String b", false},

		{`[{"prefix":"ab"}]`, "String abc", true},
		{`[{"prefix":"ab"}]`, "String xab", false},
		{`[{"prefix":""}]`, "String x", true},
		{`[{"prefix":"1"}]`, "Number 10", false},
		{`[{"prefix":"a prefix of more than sixteen bytes"}]`, "String a prefix of more than sixteen bytes.", true},
		{`[{"prefix":"a prefix of more than sixteen bytes"}]`, "String a prefix of more than sixteen", false},
		{`[{"suffix":"bc"}]`, "String abc", true},
		{`[{"suffix":"bc"}]`, "String bcx", false},
		{`[{"equals-ignore-case":"Straße"}]`, "String sTRAßE", true},
		{`[{"equals-ignore-case":"a"}]`, "String ab", false},

		{`[{"wildcard":"a*b"}]`, "String ab", true},
		{`[{"wildcard":"a*b"}]`, "String axxb", true},
		{`[{"wildcard":"a*b"}]`, "String axxbc", false},
		{`[{"wildcard":"ab*ba"}]`, "String aba", false},
		{`[{"wildcard":"*a*b*"}]`, "String xxaxbx", true},
		{`[{"wildcard":"*a*b*"}]`, "String ba", false},
		{`[{"wildcard":"*"}]`, "String x", true},
		{`[{"wildcard":"*"}]`, "Number 1", false},
		{`[{"wildcard":"a"}]`, "String a", true},
		{`[{"wildcard":"a\\**\\\\"}]`, `String a*x\`, true},
		{`[{"wildcard":"a\\*"}]`, "String ax", false},

		{`[{"cidr":"10.0.0.0/24"}]`, "String 10.0.0.255", true},
		{`[{"cidr":"10.0.0.0/24"}]`, "String 10.0.1.0", false},
		{`[{"cidr":"10.0.0.0/24"}]`, "String host", false},
		{`[{"cidr":"10.0.0.7/32"}]`, "String 10.0.0.7", true},
		{`[{"cidr":"10.0.0.7/24"}]`, "String 10.0.0.1", true},
		{`[{"cidr":"2001:db8::/32"}]`, "String 2001:db8:1::1", true},
		{`[{"cidr":"2001:db8::/32"}]`, "String 2001:db9::1", false},
		{`[{"cidr":"0.0.0.0/0"}]`, "String ::1", false},
		{`[{"cidr":"10.0.0.0/24"}]`, "String ::ffff:10.0.0.1", true},

		{`[{"numeric":["=",301.5]}]`, "Number 3.015e2", true}, // facts, test 31
		{`[{"numeric":["=",301.5]}]`, "String 301.5", false},
		{`[{"numeric":["=",0]}]`, "Number -0.0", true},
		{`[{"numeric":["<",1]}]`, "Number 0.99999", true},
		{`[{"numeric":["<",1]}]`, "Number 1", false},
		{`[{"numeric":["<=",1]}]`, "Number 1", true},
		{`[{"numeric":[">",1]}]`, "Number 1.00001", true},
		{`[{"numeric":[">",1]}]`, "Number 1.000001", false}, // the sixth decimal does not count
		{`[{"numeric":[">=",0,"<",100]}]`, "Number 0", true},
		{`[{"numeric":[">=",0,"<",100]}]`, "Number 100", false},
		{`[{"numeric":[">=",0,"<",100]}]`, "Number -1", false},
		{`[{"numeric":[">=",-1e9,"<=",1e9]}]`, "Number 1000000000", true},
		{`[{"numeric":[">=",-1e9,"<=",1e9]}]`, "Number 1000000000.00001", false},
		{`[{"numeric":[">=",-1e9,"<=",1e9]}]`, "Number -1000000000", true},
		{`[{"numeric":[">",0]}]`, "Number 123456789012", false},
		{`[{"numeric":[">",0]}]`, "Number ten", false},
		{`[123456789012]`, "Number 123456789012", true},
		{`[123456789012]`, "Number 123456789013", false},
		{`[0.1]`, "Number 0.1", true},
		{`[0.3]`, "Number 0.30000000000000004", true},

		{`[{"anything-but":"a"}]`, "", false}, // facts, test 30
		{`[{"anything-but":"a"}]`, "String a", false},
		{`[{"anything-but":"a"}]`, "String b", true},
		{`[{"anything-but":"1"}]`, "Number 1", true},
		{`[{"anything-but":1}]`, "Number 1.0", false},
		{`[{"anything-but":1}]`, "String 1", true},
		{`[{"anything-but":["a","b"]}]`, "String b", false},
		{`[{"anything-but":["a","b"]}]`, `String.Array ["a","c"]`, true},
		{`[{"anything-but":["a","b"]}]`, `String.Array ["a","b"]`, false},
		{`[{"anything-but":[1,2]}]`, "Number 3", true},
		{`[{"anything-but":{"prefix":"a"}}]`, "String ab", false},
		{`[{"anything-but":{"prefix":"a"}}]`, "String b", true},
		{`[{"anything-but":{"prefix":["a","b"]}}]`, "String bc", false},
		{`[{"anything-but":{"suffix":"a"}}]`, "String ba", false},
		{`[{"anything-but":{"wildcard":"a*b"}}]`, "String axb", false},
		{`[{"anything-but":{"wildcard":"a*b"}}]`, "String axbx", true},
		{`[{"anything-but":{"equals-ignore-case":"A"}}]`, "String a", false},
		{`[{"anything-but":{"cidr":"10.0.0.0/8"}}]`, "String 10.1.1.1", false},
		{`[{"anything-but":{"cidr":"10.0.0.0/8"}}]`, "String 11.1.1.1", true},
		{`[null,{"anything-but":"whatever"}]`, "", false}, // LocalStack's test_filter_policy
	} {
		m := attributes("other String a")
		if c.attribute != "" {
			m = attributes("other String a", "k "+c.attribute)
		}
		checkMatch(t, `{"k":`+c.policy+`}`, Attributes, m, c.want)
	}
}

func TestMatchKeys(t *testing.T) {
	t.Parallel()
	const (
		and = `{"a":["1"],"b":["1"]}`
		// Members of an "$or" behind three keys.
		behind = `{"a":["1"],"b":["1"],"c":["1"],"$or":[{"d":["1"]},{"e":["1"]}]}`
		or     = `{"a":["1"],"$or":[{"b":["1"]},{"c":["1"],"$or":[{"d":["1"]},{"e":["1"]}]}]}`
	)
	for _, c := range []struct {
		policy string
		m      *Message
		want   bool
	}{
		{and, attributes("a String 1", "b String 1"), true},
		{and, attributes("a String 1"), false},
		{and, attributes("a String 1", "b String 2"), false},
		{or, attributes("a String 1", "b String 1"), true},
		{or, attributes("b String 1"), false},
		{or, attributes("a String 1", "c String 1"), false},
		{or, attributes("a String 1", "c String 1", "e String 1"), true},
		{or, attributes("c String 1", "e String 1"), false},
		{`{"a":["1"],"$or":[{"a":["2"]},{"b":["1"]}]}`, attributes("a String 1"), false}, // both are asked for
		{behind, attributes("a String 1", "b String 1", "c String 1", "d String 1"), true},
		{behind, attributes("a String 1", "b String 1", "c String 1", "e String 1"), true},
		{behind, attributes("a String 1", "b String 1", "c String 1"), false},
		{`{"a.b":["1"]}`, attributes("a.b String 1"), true},
		{`{"a":["1"],"a":["2"]}`, attributes("a String 1"), false}, // the last one counts
		{`{"a":["1"],"a":["2"]}`, attributes("a String 2"), true},
	} {
		checkMatch(t, c.policy, Attributes, c.m, c.want)
	}
}

func TestMatchBody(t *testing.T) {
	t.Parallel()
	const (
		localstack = `{"object":{"key":[{"prefix":"auto-"},"hardcodedvalue"],"nested_key":[{"exists":false}]},"test":[{"exists":false}]}`
		dotted     = `{"object.nested.test":["string.value"]}`
		records    = `{"Records":{"s3":{"object":{"key":[{"prefix":"auto-"}]}},"eventName":[{"prefix":"ObjectCreated:"}]}}`
		or         = `{"$or":[{"metricName":["CPUUtilization"]},{"namespace":["AWS/EC2"]}],"detail":{"scope":["Service"],"$or":[{"source":["cw"]},{"type":["alarm"]}]}}`
	)
	for _, c := range []struct {
		policy, body string
		want         bool
	}{
		// Recorded: LocalStack's TestSNSFilterPolicyBody.
		{localstack, `{"object": {"key": "auto-test"}}`, true},
		{localstack, `{"object": {"key": "hardcodedvalue"}}`, true},
		{localstack, `{"object": {"key": "test-auto"}}`, false},
		{localstack, `{"object": {"key": "auto-test"}, "test": "just-exists"}`, false},
		{localstack, `{"object": {"key": "auto-test", "nested_key": "just-exists"}}`, false},
		{localstack, `{"object": {"test": "auto-test"}}`, false},
		{localstack, `Regular string message`, false},
		{localstack, `"Regular string message"`, false},
		{dotted, `{"object": {"nested": {"test": "string.value"}}}`, true},
		{dotted, `{"object.nested.test": "string.value"}`, true},
		{dotted, `{"object.nested": {"test": "string.value"}}`, true},
		{dotted, `{"object": {"nested.test": "string.value"}}`, true},
		{dotted, `{"object": {"nested": {"test": "string.notvalue"}}}`, false},
		{`{"headers":{"route-to":["queue1"]}}`, `{"headers":{"route-to":["queue2","queue1"]}}`, true},
		{`{"headers":{"route-to":["queue1"]}}`, `{"headers":{"route-to":["queue2"]}}`, false},
		{records, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":[[{"key":"auto-1"}]]}},{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"home-2"}}}]}`, true},
		{records, `{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"auto-1"}}}]}`, false},
		{records, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"home-1"}}}]}`, false},
		{or, `{"metricName":"CPUUtilization","detail":{"scope":"Service","source":"cw"}}`, true},
		{or, `{"namespace":"AWS/EC2","detail":{"scope":"Service","type":"alarm"}}`, true},
		{or, `{"metricName":"CPUUtilization","detail":{"scope":"Service"}}`, false},
		{or, `{"metricName":"CPUUtilization","detail":{"scope":"cw","type":"alarm"}}`, false},
		{or, `{"metricName":"CPUUtilization","scope":"Service"}`, false},

		{`{"k":[{"exists":false}]}`, `[]`, false},
		{`{"k":[{"exists":false}]}`, `{"k":1`, false},
		{`{"k":[{"exists":false}]}`, `{} x`, false},
		{`{"k":[{"exists":false}]}`, `{}`, true},
		{`{"a":{"k":[{"exists":false}]}}`, `{}`, true}, // a missing parent
		{`{"a":{"k":[{"exists":false}]}}`, `{"a":1}`, true},
		{`{"a":{"k":[{"exists":false}]}}`, `{"a":[{"x":1},{"k":1}]}`, false},
		{`{"k":[{"exists":true}]}`, `{"k":null}`, true},
		{`{"k":[{"exists":true}]}`, `{"k":{"a":1}}`, false}, // values only
		{`{"k":[{"exists":true}]}`, `{"k":[]}`, false},
		{`{"k":[null]}`, `{"k":null}`, true},
		{`{"k":[null]}`, `{}`, false},
		{`{"k":[true]}`, `{"k":true}`, true},
		{`{"k":[true]}`, `{"k":"true"}`, false},
		{`{"k":[10]}`, `{"k":1.0e1}`, true},
		{`{"k":[10]}`, `{"k":"10"}`, false},
		{`{"k":["\u0061"]}`, `{"\u006b":"a"}`, true},
		{`{"k":["😀"]}`, `{"k":"\ud83d\ude00"}`, true},
		{`{"k":["\ud83dA"]}`, `{"k":"\ud83d\u0041"}`, true},
		{`{"k":[1]}`, `{"k":2,"k":1}`, true}, // the last one counts
		{`{"k":[1]}`, `{"k":1,"k":2}`, false},
		{`{"k":[1]}`, `{"k":[[[2],[1]]]}`, true},
		{`{"k":["x"]}`, `{"k":[{"a":"x"}]}`, false},
		{`{"k":{"a":[1],"b":[2]}}`, `{"k":[{"a":1,"b":0},{"a":0,"b":2}]}`, true}, // each key on its own
		{`{"":[1]}`, `{"":1}`, true},
		{`{"":{"":[1]}}`, `{".":1}`, true},
		{`{"a.":[1]}`, `{"a":{"":1}}`, true},
		{`{"a":{"b":{"c":[1]}}}`, `{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"a.b":{"c":1}}`, true},
		{`{"1.2.3.4.5.6.7.8.9.0":[1]}`, `{"1":{"2.3.4.5.6.7.8":{"9":{"0":1}}},"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0}`, true},
	} {
		checkMatch(t, c.policy, Body, &Message{Body: c.body}, c.want)
	}
}

// TestMatchOnce: a message parses its body once, however many policies ask.
func TestMatchOnce(t *testing.T) {
	t.Parallel()
	m := &Message{Body: `{"k":"a"}`}
	p := mustParse(t, `{"k":["a"]}`, Body)
	if !p.Match(m) {
		t.Fatal("no match")
	}
	m.Body = "broken"
	if !p.Match(m) || !mustParse(t, `{"k":[{"prefix":"a"}]}`, Body).Match(m) {
		t.Error("the body was parsed again")
	}
}

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "1": unit, "-1.5": -150_000, "+2": 2 * unit, "007": 7 * unit, " 1 ": unit, ".5": 50_000, "5.": 5 * unit,
		"3.015e2": 30_150_000, "0.00001": 1, "0.000019": 1, "-0.000019": -1, "0.0000001e7": unit, "1000000000": maxUnits, "1e9": maxUnits,
		"1000000000.000": maxUnits, "999999999.999999": maxUnits - 1, "0e999999999999": 0, "1e-999999999999": 0, "0.000000000001e12": unit,
		"100000000000000e-5": maxUnits,
	} {
		if got, ok := parseNumber(text); !ok || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", ".", "x", "1x", "1e", "1e+", "e1", "1.2.3", "0x1", "1_0", "NaN", "Inf",
		"1000000001", "1000000000.000001", "-1000000000.00001", "1e10", "1e999999999999999999999"} {
		if got, ok := parseNumber(text); ok {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
