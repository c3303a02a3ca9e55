package filter

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func mustParse(t testing.TB, text string, scope Scope) *Policy {
	t.Helper()
	p, err := Parse(text, scope)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return p
}

func source(column int) string {
	return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: %d]", column)
}

// TestRecordedTexts: what AWS answered, with its columns (LocalStack's
// test_sns_filter_policy.snapshot.json, May 2024). The policies were sent as
// Python writes them, with white space that the columns do not count.
func TestRecordedTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy, text string
		column       int
	}{
		{`{"key": [["value"]]}`, "Match value must be String, number, true, false, or null", 10},
		{`{"key": [{"wrong-operator": true}]}`, "Unrecognized match type wrong-operator", 31},
		{`{"key": [{"suffix": "value", "prefix": "value2"}]}`, "Only one key allowed in match expression", 37},
		{`{"key": [{"suffix": 100}]}`, "suffix match pattern must be a string", 22},
		{`{"key": [{"suffix": null}]}`, "suffix match pattern must be a string", 23},
		{`{"key": {"suffix": "value"}}`, `"suffix" must be an object or an array`, 19},
		{`{"key": [{"suffix": []}]}`, "suffix match pattern must be a string", 20},
		{`{"key": [{"suffix": ["test", "test2"]}]}`, "suffix match pattern must be a string", 20},
		{`{"key": {"suffix": "value", "prefix": "value"}}`, `"suffix" must be an object or an array`, 19},
		{`{"key": {"not-an-operator": "value"}}`, `"not-an-operator" must be an object or an array`, 28},
		{`{"key_a": "value_one"}`, `"key_a" must be an object or an array`, 11},
		{`{"key": [{"numeric": []}]}`, "Invalid member in numeric match: ]", 22},
		{`{"key": [{"numeric": ["operator"]}]}`, "Unrecognized numeric range operator: operator", 32},
		{`{"key": [{"numeric": [1, "<="]}]}`, "Invalid member in numeric match: 1", 22},
		{`{"key": [{"numeric": ["=", "000"]}]}`, "Value of equals must be numeric", 26},
		{`{"key": [{"numeric": [">="]}]}`, "Value of >= must be numeric", 26},
		{`{"key": [{"numeric": ["<", 100, ">", 10]}]}`, "Too many elements in numeric expression", 30},
		{`{"key": [{"numeric": [">=", 1, ">", 2]}]}`, "Bad numeric range operator: >", 31},
		{`{"key": [{"numeric": [">", 3, "<", 1]}]}`, "Bottom must be less than top", 33},
		{`{"key": [{"numeric": [">", 20, "<="]}]}`, "Value of <= must be numeric", 33},
		{`{"key": [{"numeric": [">", 20, 30]}]}`, "Bad value in numeric range: 30", 30},
		{`{"key": [{"numeric": [">", 20, "test"]}]}`, "Bad numeric range operator: test", 34},
		{`{"key": [{"numeric": [">", "20", "<", "30"]}]}`, "Value of > must be numeric", 26},
		{`{"key": [{"numeric": [">", 20, "<", "30"]}]}`, "Value of < must be numeric", 33},
		{`{"key": [{"numeric": [">", 20, "<", 30, "<", 50]}]}`, "Too many terms in numeric range expression", 36},
		{`{"key": [{"exists": null}]}`, "exists match pattern must be either true or false.", 23},
		{`{"key": [{"exists": "no"}]}`, "exists match pattern must be either true or false.", 20},
		{`{"key": [{"anything-but": {"wrong-operator": null}}]}`, "Unsupported anything-but pattern: wrong-operator", 47},
		{`{"key": [{"anything-but": {"exists": false}}]}`, "Unsupported anything-but pattern: exists", 40},
		{`{"key": [{"anything-but": {"prefix": false}}]}`, "prefix match pattern must be a string", 40},
	} {
		checkRefused(t, c.policy, Attributes, c.text+source(c.column))
	}
}

func checkRefused(t *testing.T, policy string, scope Scope, want string) {
	t.Helper()
	_, err := Parse(policy, scope)
	var refused *Error
	if !errors.As(err, &refused) || refused.Detail != want {
		t.Errorf("Parse(%s):\ngot  %v\nwant %s", clip(policy, 200), err, want)
	}
}

// TestTexts: texts that the facts list without a recording at hand, and those of
// event-ruler's compiler.
func TestTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ policy, want string }{
		{`{"k":[]}`, "Empty arrays are not allowed" + source(8)},
		{`{"k":{}}`, "Empty objects are not allowed" + source(8)},
		{`{}`, "Empty objects are not allowed" + source(3)},
		{`["a"]`, "Filter is not an object" + source(2)},
		{`{"k":[{}]}`, "Match expression name not found" + source(9)},
		{`{"k":[{"prefix":1}]}`, "prefix match pattern must be a string" + source(18)},
		{`{"k":[{"equals-ignore-case":["a"]}]}`, "equals-ignore-case match pattern must be a string" + source(30)},
		{`{"k":[{"wildcard":1}]}`, "wildcard match pattern must be a string" + source(20)},
		{`{"k":[{"wildcard":"a**b"}]}`, "Consecutive wildcard characters at pos 2"},
		{`{"k":[{"wildcard":"a\\b"}]}`, "Invalid escape character at pos 2"},
		{`{"k":[{"wildcard":"a\\"}]}`, "Invalid escape character at pos 2"},
		{`{"k":[{"cidr":1}]}`, "prefix match pattern must be a string" + source(16)},
		{`{"k":[{"cidr":"10.0.0.0"}]}`, "Malformed CIDR, one '/' required"},
		{`{"k":[{"cidr":"10.0.0.0/"}]}`, "Malformed CIDR, one '/' required"},
		{`{"k":[{"cidr":"10.0.0.0/8/8"}]}`, "Malformed CIDR, one '/' required"},
		{`{"k":[{"cidr":"10.0.0.0/x"}]}`, "Malformed CIDR, mask bits must be an integer"},
		{`{"k":[{"cidr":"10.0.0.0/-1"}]}`, "Malformed CIDR, mask bits must not be negative"},
		{`{"k":[{"cidr":"10.0.0/8"}]}`, "Nonstandard IP address: 10.0.0"},
		{`{"k":[{"cidr":"fe80::1%eth0/8"}]}`, "Nonstandard IP address: fe80::1%eth0"},
		{`{"k":[{"cidr":"10.0.0.0/33"}]}`, "IPv4 mask bits must be < 33"},
		{`{"k":[{"cidr":"::/129"}]}`, "IPv6 mask bits must be < 129"},
		{`{"k":[{"numeric":1}]}`, "Value of numeric must be an array." + source(19)},
		{`{"k":[{"numeric":["<=","a"]}]}`, "Value of <= must be numeric" + source(25)},
		{`{"k":[{"numeric":["=",1],"prefix":"a"}]}`, "Too many elements in numeric expression" + source(36)},
		{`{"k":[{"numeric":["=",1000000001]}]}`, "Value must be between -1.0E9 and 1.0E9, inclusive" + source(34)},
		{`{"k":[{"numeric":[">",{},1]}]}`, "Value of > must be numeric" + source(24)},
		{`{"k":[{"numeric":[">",1,{}]}]}`, "Bad value in numeric range: {" + source(26)},
		{`{"k":[{"numeric":[">",1,"<",1]}]}`, "Bottom must be less than top" + source(31)},
		{`{"k":[{"anything-but":null}]}`, "Value of anything-but must be an array or single string/number value." + source(27)},
		{`{"k":[{"anything-but":[null]}]}`, "Inside anything but list, start|null|boolean is not supported." + source(28)},
		{`{"k":[{"anything-but":["a",1]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported" + source(30)},
		{`{"k":[{"anything-but":[]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported" + source(25)},
		{`{"k":[{"anything-but":"a","prefix":"b"}]}`, "Too many elements in numeric expression" + source(37)},
		{`{"k":[{"anything-but":{}}]}`, "Anything-But expression name not found" + source(25)},
		{`{"k":[{"anything-but":{"prefix":""}}]}`, "Null prefix/suffix not allowed" + source(35)},
		{`{"k":[{"anything-but":{"suffix":[]}}]}`, "Empty arrays are not allowed" + source(35)},
		{`{"k":[{"anything-but":{"suffix":[1]}}]}`, "suffix match pattern must be a string" + source(35)},
		{`{"k":[{"anything-but":{"suffix":"a","prefix":"b"}}]}`, "Only one key allowed in match expression" + source(47)},
		{`{"k":[{"anything-but":{"prefix":"a"},"prefix":"b"}]}`, "Only one key allowed in match expression" + source(48)},
		// Columns count what Jackson writes, in Java's characters.
		{`{"😀\n":["\u00e9","\u0001",[]]}`, "Match value must be String, number, true, false, or null" + source(24)},
		// The last of equal members counts, in the place of the first.
		{`{"k":["a"],"k":"b"}`, `"k" must be an object or an array` + source(7)},
		{strings.Repeat(" ", 256<<10) + `{}`, "Filter policy is too large"},
		// What is no JSON is refused with columns of the text as sent.
		{"{\"k\":\n ['a']}", "failed to parse JSON. Unexpected character (''' (code 39)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')" +
			strings.Replace(source(3), "line: 1", "line: 2", 1)},
		{`nope`, "failed to parse JSON. Unrecognized token 'nope': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')" + source(1)},
		{`{"k":["a"]`, "failed to parse JSON. Unexpected end-of-input: was expecting comma to separate Object entries" + source(11)},
	} {
		checkRefused(t, c.policy, Attributes, c.want)
		if !strings.HasPrefix(c.policy, `{"k":{`) {
			checkRefused(t, c.policy, Body, c.want)
		}
	}
}

func list(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`"v",`, n), ",") + "]" }

func TestLimits(t *testing.T) {
	t.Parallel()
	const (
		keys    = "Filter policy can not have more than 5 keys"
		complex = "Filter policy is too complex"
	)
	source := func(n, or1, type2, id3, space3 int) string { // LocalStack's test_policy_complexity_with_or
		return fmt.Sprintf(`{"source":%s,"$or":[{"metricName":%s},{"metricType":%s,"$or":[{"metricId":%s},{"spaceId":%s}]}]}`,
			list(n), list(or1), list(type2), list(id3), list(space3))
	}
	for _, c := range []struct {
		policy string
		scope  Scope
		want   string // "": accepted
	}{
		{`{"a":["v"],"b":["v"],"c":["v"],"d":["v"],"e":["v"]}`, Attributes, ""},
		{`{"a":["v"],"b":["v"],"c":["v"],"d":["v"],"e":["v"],"f":["v"]}`, Attributes, keys},
		{`{"x":{"a":["v"],"b":["v"],"c":["v"],"d":["v"],"e":["v"]}}`, Body, ""},
		{`{"x":{"a":["v"],"b":["v"],"c":["v"],"d":["v"],"e":["v"],"f":["v"]}}`, Body, keys},
		{`{"a":["v"],"$or":[{"a":["v"],"b":["v"],"c":["v"]},{"b":["v"],"d":["v"],"e":["v"]}]}`, Attributes, ""}, // five different
		{`{"k":` + list(150) + `}`, Attributes, ""},
		{`{"k":` + list(151) + `}`, Attributes, complex},
		{`{"k":` + list(100) + `,"l":` + list(51) + `}`, Attributes, complex},
		{`{"k":` + list(15) + `,"l":` + list(10) + `}`, Attributes, ""},
		// 3 x 4 x 2 x 3 x 1 x 3 = 216; with one value less in three levels, 162; with two, 108
		{`{"a":{"b":{"c":` + list(4) + `}},"d":{"e":` + list(3) + `},"f":` + list(3) + `}`, Body, complex},
		{`{"a":{"b":{"c":` + list(3) + `}},"d":{"e":` + list(3) + `},"f":` + list(3) + `}`, Body, complex},
		{`{"a":{"b":{"c":` + list(2) + `}},"d":{"e":` + list(3) + `},"f":` + list(3) + `}`, Body, ""},
		{source(4, 6, 4, 4, 4), Attributes, complex},                                                                                                           // 24 + 64 + 64
		{source(3, 6, 4, 4, 7), Attributes, ""},                                                                                                                // 18 + 48 + 84
		{`{"$or":[{"m":` + list(3) + `},{"n":` + list(2) + `}],"d":{"s":` + list(2) + `,"$or":[{"o":` + list(1) + `},{"t":` + list(3) + `}]}}`, Body, complex}, // 24 + 72 + 16 + 48
		{`{"$or":[{"m":` + list(3) + `},{"n":` + list(2) + `}],"d":{"s":` + list(1) + `,"$or":[{"o":` + list(1) + `},{"t":` + list(3) + `}]}}`, Body, ""},
	} {
		if c.want != "" {
			checkRefused(t, c.policy, c.scope, c.want)
		} else if _, err := Parse(c.policy, c.scope); err != nil {
			t.Errorf("Parse(%s): %v", c.policy, err)
		}
	}
}

func TestNested(t *testing.T) {
	t.Parallel()
	const nested = `{"object":{"key":[{"prefix":"auto-"}]}}`
	if _, err := Parse(nested, Attributes); !errors.Is(err, ErrNested) {
		t.Errorf("got %v, want ErrNested", err)
	}
	if _, err := Parse(`{"$or":[{"a":["v"]},{"b":{"c":["v"]}}]}`, Attributes); !errors.Is(err, ErrNested) {
		t.Errorf("in $or: got %v, want ErrNested", err)
	}
	if p := mustParse(t, nested, Body); p.Scope() != Body {
		t.Errorf("scope %v", p.Scope())
	}
	// "$or" of one is a key like others, and so is one that holds conditions.
	for _, or := range []string{`{"$or":["a"]}`, `{"$or":[{"prefix":"a"},{"suffix":"b"}]}`, `{"$or":[{"prefix":"a"},"b"]}`} {
		p := mustParse(t, or, Attributes)
		if !p.Match(&Message{Attributes: []Attribute{{"$or", "String", "a"}}}) || p.Match(&Message{}) {
			t.Errorf("%s is not taken for a key", or)
		}
	}
	checkRefused(t, `{"$or":[{"a":["v"]}]}`, Attributes, "Unrecognized match type a"+source(15))
}

// TestHostile: sizes are bounded, and time grows with them, not faster.
func TestHostile(t *testing.T) {
	t.Parallel()
	start := time.Now()
	deep := strings.Repeat(`{"a":`, 1000) + `["v"]` + strings.Repeat(`}`, 1000)
	or := strings.Repeat(`{"$or":[{"a":["v"]},`, 450) + `{"a":["v"]}` + strings.Repeat(`]}`, 450)
	for policy, want := range map[string]string{
		deep:                         "failed to parse JSON. Document nesting depth (1001) exceeds the maximum allowed (1000",
		or:                           "Filter policy is too complex",
		`{"k":` + list(60_000) + `}`: "Filter policy is too complex",
		`{"` + strings.Repeat("n", 100_000) + `":{` + strings.Repeat(`"a":["v"],`, 9000) + `"b":["v"]}}`: "",
		`{"` + strings.Repeat(".", 200_000) + `":["v"]}`:                                                 "",
		`{"k":[` + strings.Repeat("9", 200_000) + `]}`:                                                   "",
		`{"k":[1e` + strings.Repeat("9", 200_000) + `]}`:                                                 "",
	} {
		p, err := Parse(policy, Body)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("Parse(%s): got %v, want %q", clip(policy, 50), err, want)
		}
		if err == nil {
			x := NewIndex[int]()
			x.Add(1, p)
			x.Match(&Message{Body: policy}, func(int) {})
		}
	}
	// Arrays in arrays, two keys below each: a cross product would be 2^500.
	body := `{"k":` + strings.Repeat(`[{"x":1,"k":`, 240) + `1` + strings.Repeat(`},{"y":1}]`, 240) + `}`
	p := mustParse(t, `{"k":{"x":[1],"y":[1]}}`, Body)
	if !p.Match(&Message{Body: body}) {
		t.Error("no match in arrays of arrays")
	}
	wild := mustParse(t, `{"k":[{"wildcard":"`+strings.Repeat("*a", 50_000)+`*b"}]}`, Body)
	if wild.Match(&Message{Body: `{"k":"` + strings.Repeat("a", 200_000) + `"}`}) {
		t.Error("a wildcard matches what does not end with b")
	}
	// Every element meets the same posting.
	x := NewIndex[int]()
	for i := range 100 {
		x.Add(i, mustParse(t, `{"k":[{"suffix":"b"}]}`, Body))
	}
	x.Match(&Message{Body: `{"k":` + list(60_000) + `}`}, func(int) { t.Error("match") })
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}
