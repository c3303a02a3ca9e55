package bus

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMessagesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOf(rapid.Byte())
		first := rapid.Uint64().Draw(t, "first")
		var requests []request
		asked := beginRequests(nil, first)
		answered := []byte{callVersion}
		var replies []reply
		for range rapid.IntRange(0, 5).Draw(t, "entries") {
			q := request{rapid.Uint64().Draw(t, "wait"), []byte(rapid.String().Draw(t, "name")), payload.Draw(t, "payload")}
			requests = append(requests, q)
			asked = appendRequest(asked, q.wait, string(q.name), q.payload)
			r := reply{rapid.Uint64().Draw(t, "number"), rapid.Byte().Draw(t, "status"), payload.Draw(t, "payload")}
			replies = append(replies, r)
			answered = appendReply(answered, r)
			if room := len(appendRequest(beginRequests(nil, first), q.wait, "", nil)); room > entryRoom {
				t.Fatalf("a request takes %d bytes besides its own", room)
			}
		}
		gotFirst, gotRequests, err := parseRequests(nil, asked)
		if err != nil || gotFirst != first || !slices.EqualFunc(gotRequests, requests, sameRequest) {
			t.Fatalf("%d, %v, %v", gotFirst, gotRequests, err)
		}
		gotReplies, err := parseReplies(nil, answered)
		if err != nil || !slices.EqualFunc(gotReplies, replies, sameReply) {
			t.Fatalf("%v, %v", gotReplies, err)
		}
		// A message that lost its end is not taken for another, unless it ends with an
		// entry.
		cut := rapid.IntRange(0, len(asked)-1).Draw(t, "cut")
		if _, got, err := parseRequests(nil, asked[:cut]); err == nil && (len(got) >= len(requests) || !slices.EqualFunc(got, requests[:len(got)], sameRequest)) {
			t.Fatalf("%x is read as %v", asked[:cut], got)
		}
	})
}

func sameRequest(a, b request) bool {
	return a.wait == b.wait && bytes.Equal(a.name, b.name) && bytes.Equal(a.payload, b.payload)
}

func sameReply(a, b reply) bool {
	return a.number == b.number && a.status == b.status && bytes.Equal(a.payload, b.payload)
}

// malformed are messages that are neither requests nor replies.
var malformed = []string{
	"", "\x00", "\x02\x01", "\x01\xff", "\x01\x01\x05", "\x01\x01\x00\x03ab",
	"\x01\x01\x00\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x01\x00\x01a\x02x",
}

func TestBadMessagesAreRefused(t *testing.T) {
	t.Parallel()
	long := beginRequests(nil, 1)
	for range batchCount + 1 {
		long = appendRequest(long, 0, "", nil)
	}
	for _, m := range append(slices.Clone(malformed), string(long)) {
		if _, got, err := parseRequests(nil, []byte(m)); err == nil {
			t.Errorf("%.20q is read as %v", m, got)
		}
	}
	for _, m := range []string{"", "\x02", "\x01\x01", "\x01\x01\x00\x05abc", "\x01" + strings.Repeat("\x01\x00\x00", batchCount+1)} {
		if got, err := parseReplies(nil, []byte(m)); err == nil {
			t.Errorf("%.20q is read as %v", m, got)
		}
	}
	for _, inbox := range []string{"", "spillway.calls.n0.x.1.1", "spillway.replies.x.n0", "spillway.replies.x.n0.1.1.1"} {
		if got, ok := replySubject(inbox); ok {
			t.Errorf("%q is taken for %q", inbox, got)
		}
	}
	if got, ok := replySubject("spillway.replies.x.n0.12.3"); !ok || got != "spillway.replies.x.n0" {
		t.Errorf("%q, %v", got, ok)
	}
}

func FuzzRequests(f *testing.F) {
	for _, m := range malformed {
		f.Add([]byte(m))
	}
	f.Add(appendRequest(appendRequest(beginRequests(nil, 7), 0, "a", []byte("b")), math.MaxUint64, "", nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, requests, err := parseRequests(nil, b)
		if err != nil {
			return
		}
		again := beginRequests(nil, first)
		for _, r := range requests {
			if r.wait > 0 && leftOf(r.wait) < 0 {
				t.Errorf("wait %d is %v", r.wait, leftOf(r.wait))
			}
			again = appendRequest(again, r.wait, string(r.name), r.payload)
		}
		if n, got, err := parseRequests(nil, again); err != nil || n != first || !slices.EqualFunc(got, requests, sameRequest) {
			t.Errorf("%x: %v, then %d, %v, %v", b, requests, n, got, err)
		}
	})
}

func FuzzReplies(f *testing.F) {
	for _, m := range malformed {
		f.Add([]byte(m))
	}
	f.Add(appendReply(appendReply(nil, reply{1, statusOK, []byte("a")}), reply{math.MaxUint64, statusLost, nil}))
	f.Fuzz(func(t *testing.T, b []byte) {
		replies, err := parseReplies(nil, b)
		if err != nil {
			return
		}
		again := []byte{callVersion}
		for _, r := range replies {
			again = appendReply(again, r)
		}
		if got, err := parseReplies(nil, again); err != nil || !slices.EqualFunc(got, replies, sameReply) {
			t.Errorf("%x: %v, then %v, %v", b, replies, got, err)
		}
	})
}

// TestTerm: callers that wait equally long share a context, which ends with the last
// of them, or in time.
func TestTerm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of, wait uint64
		fits     bool
	}{{0, 0, true}, {0, 1, false}, {1, 0, false}, {5, 6, true}, {6, 5, true}, {5, 7, false}, {7, 5, false}} {
		term := newTerm(t.Context(), c.of)
		if term.fits(c.wait) != c.fits {
			t.Errorf("%d fits %d: %v", c.wait, c.of, !c.fits)
		}
		if _, ok := term.ctx.Deadline(); ok != (c.of > 0) {
			t.Errorf("wait %d: a deadline %v", c.of, ok)
		}
		term.leave()
	}
	term := newTerm(t.Context(), waitOf(time.Hour))
	term.users.Add(1)
	term.leave()
	if term.ctx.Err() != nil {
		t.Error("ended before all had left")
	}
	term.leave()
	if term.ctx.Err() != context.Canceled {
		t.Error("goes on though all have left")
	}
	late := newTerm(t.Context(), waitOf(-time.Second))
	defer late.leave()
	<-late.ctx.Done()
}
