package kinesis

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestSequenceNumbers: a real one (facts-kinesis.md 2), and that all are read back.
func TestSequenceNumbers(t *testing.T) {
	t.Parallel()
	const real = "49594189147623985939251953501666965394405037144469929986"
	s, foreign, ok := parseSequence(real)
	if !ok || foreign || s.index != 195 || s.shard != 0 || s.String() != real {
		t.Errorf("%+v %v %v %s", s, foreign, ok, s)
	}
	a, b := sequence{created: 1553568712, time: 1553568712}, sequence{created: 1553568712, time: 1553568712, shard: 1}
	x, _ := new(big.Int).SetString(a.String(), 10)
	y, _ := new(big.Int).SetString(b.String(), 10)
	if d := y.Sub(y, x).String(); d != "22300745198530623141535718272648361505980432" {
		t.Errorf("adjacent shards differ by %s", d)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := sequence{
			created: rapid.Int64Range(0, 1<<36-1).Draw(t, "created"), index: rapid.Uint64Range(0, lastIndex).Draw(t, "index"),
			time: rapid.Int64Range(0, 1<<36-1).Draw(t, "time"), shard: rapid.Uint32().Draw(t, "shard"),
		}
		got, foreign, ok := parseSequence(s.String())
		if !ok || foreign || got != s || len(s.String()) != 56 {
			t.Fatalf("%+v: %s is %+v", s, s, got)
		}
	})
}

func TestHashRanges(t *testing.T) {
	t.Parallel()
	r := evenRanges(3)
	for i, want := range []string{"0", "113427455640312821154458202477256070485", "226854911280625642308916404954512140970"} {
		if got := r[i].start.String(); got != want {
			t.Errorf("range %d starts at %s, want %s", i, got, want)
		}
	}
	if got := r[2].end.String(); got != "340282366920938463463374607431768211455" {
		t.Error(got)
	}
	for key, want := range map[string]int{"a": 0, "b": 1, "e": 2, "f": 1} {
		for i, r := range r {
			if h := hashOf(key); (h.compare(r.start) >= 0 && h.compare(r.end) <= 0) != (i == want) {
				t.Errorf("key %s, range %d", key, i)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		h := hash{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")}
		if got, ok := parseHash(h.String()); !ok || got != h || h.next().previous() != h {
			t.Fatalf("%s is read as %s", h, got)
		}
	})
	for _, s := range []string{"", "x", "-1", "340282366920938463463374607431768211456", "1e3"} {
		if _, ok := parseHash(s); ok {
			t.Errorf("%q is read", s)
		}
	}
}

func TestShardIDs(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"0": 0, "shard-0": 0, "whatever-00002147483647": 2147483647, "shardId-000000000012": 12} {
		if got, ok := parseShardID(s); !ok || got != want {
			t.Errorf("%s: %d %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "2.14E4", "shardId-2147483648", "a", "-"} {
		if _, ok := parseShardID(s); ok {
			t.Errorf("%s is read", s)
		}
	}
}
