package catalog

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawRequest(t *rapid.T) *request {
	r := &request{op: rapid.SampledFrom([]byte{opUpdate, opBarrier, opReserve, opReach}).Draw(t, "op")}
	kind, key := rapid.StringN(1, -1, maxKind), rapid.StringN(0, -1, 1000)
	switch r.op {
	case opReserve:
		r.ids = rapid.Uint64Range(1, maxReserved).Draw(t, "ids")
	case opReach:
		r.at = rapid.Uint64().Draw(t, "at")
	case opUpdate:
		r.at = rapid.Uint64().Draw(t, "at")
		for range rapid.IntRange(0, 4).Draw(t, "reads") {
			r.reads = append(r.reads, recordID{kind.Draw(t, "kind"), key.Draw(t, "key")})
		}
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			ch := change{kind: kind.Draw(t, "kind"), key: key.Draw(t, "key")}
			if rapid.Bool().Draw(t, "put") {
				ch.value = append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "value")...)
			}
			r.changes = append(r.changes, ch)
		}
	}
	return r
}

func TestMessagesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		b := r.encode()
		got, err := parseRequest(b)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("%+v is not %+v: %v", got, r, err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := parseRequest(b[:cut]); err == nil {
			t.Fatalf("%x is read without its end", b)
		}
		if _, err := parseRequest(append(b, 0)); err == nil {
			t.Fatalf("%x is read with more after it", b)
		}
		a := answer{rapid.Bool().Draw(t, "made"), rapid.Uint64().Draw(t, "version"), rapid.Uint64().Draw(t, "id")}
		if got, err := parseAnswer(a.encode()); err != nil || got != a {
			t.Fatalf("%+v is not %+v: %v", got, a, err)
		}
	})
}

func TestBadMessagesAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", maxKind+1)
	for name, r := range map[string]*request{
		"unknown op":    {op: 9},
		"no ids":        {op: opReserve},
		"too many ids":  {op: opReserve, ids: maxReserved + 1},
		"kind missing":  {op: opUpdate, changes: []change{{key: "a"}}},
		"kind too long": {op: opUpdate, reads: []recordID{{long, "a"}}},
		"key too long":  {op: opUpdate, changes: []change{{kind: "k", key: strings.Repeat("a", maxKey+1)}}},
	} {
		if got, err := parseRequest(r.encode()); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
	for _, b := range []string{"", "\x02\x02", "\x01\x01\x00\xff\xff\xff\xff\x0f", "\x01\x01\x00\x00\x01\x02\x01k\x00"} {
		if got, err := parseRequest([]byte(b)); err == nil {
			t.Errorf("%x: read as %+v", b, got)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add((&request{op: opUpdate, at: 300, reads: []recordID{{"queue", "a"}}, changes: []change{{"queue", "a", []byte("v")}, {kind: "queue", key: "b"}}}).encode())
	f.Add((&request{op: opReserve, ids: reservedIDs}).encode())
	f.Add((&request{op: opBarrier}).encode())
	f.Add((&answer{made: true, version: 1 << 40}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseAnswer(b); err == nil {
			if again, err := parseAnswer(a.encode()); err != nil || again != a {
				t.Errorf("%+v is written as %+v (%v)", a, again, err)
			}
		}
		if r, err := parseRequest(b); err == nil {
			if again, err := parseRequest(r.encode()); err != nil || !reflect.DeepEqual(again, r) {
				t.Errorf("%+v is written as %+v (%v)", r, again, err)
			}
		}
	})
}

// TestOwnerForgetsOldChanges: what the owner knows of changes is bounded, and what it
// forgot counts as changed.
func TestOwnerForgetsOldChanges(t *testing.T) {
	t.Parallel()
	o := ownerState{counters: counters{version: 10}, floor: 10, modified: map[recordID]uint64{}}
	old, other := recordID{"k", "old"}, recordID{"k", "other"}
	if !o.unchanged(old, 10) || o.unchanged(old, 9) {
		t.Error("nothing is known from before the load")
	}
	o.version++
	o.modify(old)
	if o.unchanged(old, 10) || !o.unchanged(old, 11) || !o.unchanged(other, 10) {
		t.Error("version 11 changed one record, and no other")
	}
	for i := range 2 * maxModified {
		o.version++
		o.modify(recordID{"k", fmt.Sprint(i)})
	}
	if len(o.modified) > maxModified {
		t.Errorf("%d are remembered", len(o.modified))
	}
	if o.unchanged(old, 10) || o.unchanged(other, 11) || !o.unchanged(old, o.version) {
		t.Error("what was forgotten may have changed until then, and not after")
	}
}
