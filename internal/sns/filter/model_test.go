package filter

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// The vocabulary is small, so that policies and messages have to do with each
// other.
var (
	names    = rapid.SampledFrom([]string{"a", "b", "c", "a.b", "b.c", ""})
	words    = rapid.SampledFrom([]string{"", "x", "xy", "xyz", "XY", "yx", "x*y", "1", "true", "10.0.0.1", "10.0.1.1", "::1"})
	patterns = rapid.SampledFrom([]string{"*", "x*", "*y", "x*y*", "*x*y*z", `x\\*y`, "xy"})
	numbers  = rapid.SampledFrom([]string{"0", "1", "1.0", "10e-1", "-1", "1.00001", "1.000001", "2", "1e9", "1e10", "10000000000"})
	networks = rapid.SampledFrom([]string{"10.0.0.0/24", "10.0.0.0/16", "::/0", "0.0.0.0/0", "10.0.0.1/32"})
)

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func drawScalar(t *rapid.T) string {
	switch rapid.IntRange(0, 4).Draw(t, "scalar") {
	case 0:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")
	case 1:
		return numbers.Draw(t, "number")
	default:
		return quote(words.Draw(t, "word"))
	}
}

func drawStringOperator(t *rapid.T) string {
	op := rapid.SampledFrom([]string{"prefix", "suffix", "equals-ignore-case", "wildcard", "cidr"}).Draw(t, "op")
	switch op {
	case "wildcard":
		return `{"wildcard":"` + patterns.Draw(t, "pattern") + `"}`
	case "cidr":
		return `{"cidr":"` + networks.Draw(t, "network") + `"}`
	default:
		return `{"` + op + `":` + quote(words.Draw(t, "operand")) + `}`
	}
}

func drawCondition(t *rapid.T) string {
	switch rapid.IntRange(0, 8).Draw(t, "condition") {
	case 0:
		return rapid.SampledFrom([]string{`{"exists":true}`, `{"exists":false}`}).Draw(t, "exists")
	case 1:
		op := rapid.SampledFrom([]string{"=", "<", "<=", ">", ">="}).Draw(t, "op")
		return `{"numeric":["` + op + `",` + numbers.Draw(t, "bound") + `]}`
	case 2:
		return `{"numeric":[">=",-1,"<",` + numbers.Draw(t, "upper") + `]}`
	case 3:
		return `{"anything-but":` + rapid.SampledFrom([]string{`"x"`, `["x","xy"]`, `1`, `[1,2]`}).Draw(t, "but") + `}`
	case 4:
		return `{"anything-but":` + drawStringOperator(t) + `}`
	case 5:
		return drawStringOperator(t)
	default:
		return drawScalar(t)
	}
}

func drawObject(t *rapid.T, depth int) string {
	text := "{"
	for i := range rapid.IntRange(1, 3).Draw(t, "members") {
		if i > 0 {
			text += ","
		}
		kind := rapid.IntRange(0, 5).Draw(t, "member")
		switch {
		case kind == 0 && depth > 0:
			text += `"$or":[` + drawObject(t, depth-1) + "," + drawObject(t, depth-1) + "]"
		case kind == 1 && depth > 0:
			text += quote(names.Draw(t, "name")) + ":" + drawObject(t, depth-1)
		default:
			text += quote(names.Draw(t, "name")) + ":["
			for j := range rapid.IntRange(1, 3).Draw(t, "conditions") {
				if j > 0 {
					text += ","
				}
				text += drawCondition(t)
			}
			text += "]"
		}
	}
	return text + "}"
}

// drawValue draws the body's JSON.
func drawValue(t *rapid.T, depth int) string {
	kind := 3
	if depth > 0 {
		kind = rapid.IntRange(0, 3).Draw(t, "kind")
	}
	open, end := "{", "}"
	switch kind {
	case 0:
	case 1:
		open, end = "[", "]"
	default:
		return drawScalar(t)
	}
	text := open
	for i := range rapid.IntRange(0, 4).Draw(t, "items") {
		if i > 0 {
			text += ","
		}
		if kind == 0 {
			text += quote(names.Draw(t, "name")) + ":"
		}
		text += drawValue(t, depth-1)
	}
	return text + end
}

func drawMessage(t *rapid.T) *Message {
	m := &Message{Body: `{"a":` + drawValue(t, 3) + `,"b":` + drawValue(t, 2) + "}"}
	if rapid.IntRange(0, 20).Draw(t, "broken") == 0 {
		m.Body = rapid.SampledFrom([]string{"", "text", "[]", `{"a":1`}).Draw(t, "body")
	}
	for _, name := range rapid.SliceOfNDistinct(names, 0, 4, rapid.ID[string]).Draw(t, "attributes") {
		a := Attribute{Name: name, Type: rapid.SampledFrom([]string{"String", "String.x", "Number", "Binary", "String.Array"}).Draw(t, "type")}
		switch a.Type {
		case "Number":
			a.Value = numbers.Draw(t, "number")
		case "String.Array":
			a.Value = "[" + drawValue(t, 1) + "," + drawScalar(t) + "]"
		default:
			a.Value = words.Draw(t, "word")
		}
		m.Attributes = append(m.Attributes, a)
	}
	return m
}

// TestModel compares policies and an index, which changes, with the naive
// evaluator.
func TestModel(t *testing.T) {
	t.Parallel()
	matches := 0
	rapid.Check(t, func(t *rapid.T) {
		x := NewIndex[int]()
		texts := map[int]string{}
		policies := map[int]*Policy{}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			key := rapid.IntRange(0, 9).Draw(t, "key")
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				x.Remove(key)
				delete(texts, key)
				delete(policies, key)
				continue
			}
			scope := Scope(rapid.IntRange(0, 1).Draw(t, "scope"))
			depth := 0
			if scope == Body {
				depth = 2
			}
			text := drawObject(t, depth)
			p, err := Parse(text, scope)
			if err != nil {
				continue // too complex, mostly
			}
			x.Add(key, p)
			texts[key], policies[key] = text, p
		}
		for range 3 {
			m := drawMessage(t)
			var want []int
			for key, p := range policies {
				wanted := naive(texts[key], p.Scope(), m)
				if got := p.Match(fresh(m)); got != wanted {
					t.Fatalf("%s with %+v: got %v, naively %v", texts[key], m, got, wanted)
				}
				if wanted {
					want = append(want, key)
				}
			}
			matches += len(want)
			var got []int
			x.Match(m, func(key int) { got = append(got, key) })
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%v with %+v: the index found %v, want %v", texts, m, got, want)
			}
		}
		for key := range maps.Clone(policies) {
			x.Remove(key)
		}
		checkEmpty(t, x)
	})
	if matches == 0 {
		t.Error("nothing ever matched")
	}
}

func checkEmpty(t rapid.TB, x *Index[int]) {
	for scope, root := range x.roots {
		if len(root.branches) > 0 {
			t.Fatalf("scope %d: the index keeps branches of policies that are gone", scope)
		}
	}
	if len(x.entries) > 0 || len(x.always.refs) > 0 {
		t.Fatalf("the index keeps policies that are gone")
	}
}

// TestIndexConcurrent: matches may run at the same time.
func TestIndexConcurrent(t *testing.T) {
	t.Parallel()
	x := NewIndex[int]()
	for i := range 100 {
		x.Add(i, mustParse(t, benchPolicy(i), Attributes))
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			found := -1
			x.Match(benchMessage(i), func(key int) { found = key })
			if found != i {
				t.Errorf("found %d, want %d", found, i)
			}
		})
	}
	all.Wait()
}

// TestIndexIsSelective: of policies that share one value and differ in another,
// a message evaluates few, whichever comes first.
func TestIndexIsSelective(t *testing.T) {
	t.Parallel()
	x := NewIndex[int]()
	const n = 10_000
	for i := range n {
		x.Add(i, mustParse(t, benchPolicy(i), Attributes))
	}
	s := search[int]{m: benchMessage(n / 2), yield: func(int) {}, seen: map[*entry[int]]struct{}{}, visited: map[*posting[int]]struct{}{}}
	for _, f := range s.m.named() {
		if b := x.roots[Attributes].branches[f.name]; b != nil {
			for _, v := range f.values {
				s.value(b, v)
			}
		}
	}
	if len(s.seen) == 0 || len(s.seen) > n/500 {
		t.Errorf("%d of %d policies are evaluated for one match", len(s.seen), n)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":["x",1,true,null,{"prefix":"x"},{"suffix":"x"},{"exists":false}]}`,
		`{"a":[{"numeric":[">=",0,"<",1e2]},{"anything-but":["x"]},{"anything-but":{"wildcard":"a*\\*b"}}]}`,
		`{"$or":[{"a":[{"cidr":"10.0.0.0/8"}]},{"b":{"c.d":[{"equals-ignore-case":"\u00e9\ud83d\ude00"}]}}]}`,
		`{"a":[{"numeric":["=",1e999999999999]}]}`, `{"a":"b"}`, `{`, `[[[[`, `{"a":["\ud800"]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, scope := range []Scope{Attributes, Body} {
			p, err := Parse(text, scope)
			if (p == nil) == (err == nil) {
				t.Fatalf("policy %v, error %v", p, err)
			}
			if p != nil && (!json.Valid([]byte(text)) || len(p.alternatives) > maxCombinations) {
				t.Fatalf("accepted, with %d alternatives", len(p.alternatives))
			}
		}
	})
}

// hugeExponent is what the naive evaluator's fractions cannot take.
var hugeExponent = regexp.MustCompile(`[eE][-+]?[0-9]{4}`)

func FuzzMatch(f *testing.F) {
	f.Add(`{"a":["x",{"prefix":"y"}]}`, "String", "x", `{"a":"x"}`)
	f.Add(`{"a":[{"numeric":[">",0,"<=",3.015e2]}]}`, "Number", "301.5", `{"a":[1,[2,{"b":3}]]}`)
	f.Add(`{"a":[{"anything-but":{"suffix":["x","y"]}},{"exists":false}]}`, "String.Array", `["x","z",1]`, `{"a.b":{"c":null},"a":{"b.c":true}}`)
	f.Add(`{"$or":[{"a":["x"]},{"b":[{"wildcard":"x*y"}]}]}`, "Binary", "x", `{"b":"xzy"}`)
	f.Fuzz(func(t *testing.T, policy, typ, attribute, body string) {
		m := &Message{Attributes: []Attribute{{"a", typ, attribute}}, Body: body}
		for _, scope := range []Scope{Attributes, Body} {
			p, err := Parse(policy, scope)
			if err != nil {
				return
			}
			want := p.Match(m)
			x := NewIndex[int]()
			x.Add(1, p)
			got := 0
			x.Match(fresh(m), func(int) { got++ })
			if got > 1 || (got == 1) != want {
				t.Fatalf("the index has %d, the policy %v", got, want)
			}
			if x.Remove(1); !isPlain(policy + typ + attribute + body) {
				continue
			}
			switch typ {
			case "String", "Number", "Binary", "String.Array":
				if naively := naive(policy, scope, m); naively != want {
					t.Fatalf("%v: got %v, naively %v", scope, want, naively)
				}
			}
		}
	})
}

// isPlain: text that encoding/json and regexp take as this package does.
func isPlain(s string) bool {
	return utf8.ValidString(s) && !hugeExponent.MatchString(s) && len(s) < 1000 && !regexp.MustCompile(`[^\x20-\x7e]|\\u|%`).MatchString(s)
}
