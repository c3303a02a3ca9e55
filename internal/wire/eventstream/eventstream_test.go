package eventstream_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"github.com/spillway/spillway/internal/wire/eventstream"

	sdk "github.com/aws/smithy-go/eventstream"
	"pgregory.net/rapid"
)

const json = "application/x-amz-json-1.1"

// TestGolden is a message by hand: lengths, checksum, headers, payload, checksum.
func TestGolden(t *testing.T) {
	t.Parallel()
	h := eventstream.Event(eventstream.InitialResponse, json)
	got := hex.EncodeToString(h.End(append(h.Begin(nil), `{}`...), 0))
	want := "00000072" + "00000060" + "ab820d9e" +
		"0d" + hex.EncodeToString([]byte(":message-type")) + "070005" + hex.EncodeToString([]byte("event")) +
		"0b" + hex.EncodeToString([]byte(":event-type")) + "070010" + hex.EncodeToString([]byte("initial-response")) +
		"0d" + hex.EncodeToString([]byte(":content-type")) + "07001a" + hex.EncodeToString([]byte(json)) +
		hex.EncodeToString([]byte("{}")) + "e16e66e4"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// TestRoundTrip: the SDK's decoder reads what this package writes, message by message.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type message struct {
			exception bool
			name      string
			payload   []byte
		}
		messages := rapid.SliceOf(rapid.Custom(func(t *rapid.T) message {
			return message{
				rapid.Bool().Draw(t, "exception"), rapid.StringMatching(`[A-Za-z-]{1,80}`).Draw(t, "name"),
				rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "payload"),
			}
		})).Draw(t, "messages")
		var stream []byte
		for _, m := range messages {
			h := eventstream.Event(m.name, json)
			if m.exception {
				h = eventstream.Exception(m.name, json)
			}
			start := len(stream)
			stream = h.End(append(h.Begin(stream), m.payload...), start)
		}
		r := bytes.NewReader(stream)
		for _, m := range messages {
			got, err := sdk.NewDecoder().Decode(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			kind, name := "event", ":event-type"
			if m.exception {
				kind, name = "exception", ":exception-type"
			}
			for header, want := range map[string]string{":message-type": kind, name: m.name, ":content-type": json} {
				if v := got.Headers.Get(header); v == nil || v.String() != want {
					t.Fatalf("%s is %v, want %q", header, v, want)
				}
			}
			if len(got.Headers) != 3 || !bytes.Equal(got.Payload, m.payload) {
				t.Fatalf("%d headers, payload %q, want %q", len(got.Headers), got.Payload, m.payload)
			}
		}
		if _, err := sdk.NewDecoder().Decode(r, nil); !errors.Is(err, io.EOF) {
			t.Fatalf("after the last message: %v", err)
		}
	})
}

// FuzzCorruption: no changed byte of a message goes unnoticed.
func FuzzCorruption(f *testing.F) {
	f.Add([]byte(`{"Records":[]}`), uint16(3), byte(1))
	f.Add([]byte{}, uint16(40), byte(0x80))
	f.Add(bytes.Repeat([]byte("x"), 500), uint16(510), byte(0xff))
	head := eventstream.Event("SubscribeToShardEvent", json)
	f.Fuzz(func(t *testing.T, payload []byte, at uint16, flip byte) {
		m := head.End(append(head.Begin(nil), payload...), 0)
		if got, err := sdk.NewDecoder().Decode(bytes.NewReader(m), nil); err != nil || !bytes.Equal(got.Payload, payload) {
			t.Fatalf("%v, payload %q", err, got.Payload)
		}
		if flip == 0 {
			return
		}
		m[int(at)%len(m)] ^= flip
		if _, err := sdk.NewDecoder().Decode(bytes.NewReader(m), nil); err == nil {
			t.Fatalf("byte %d changed by %#x and nothing was wrong", int(at)%len(m), flip)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	payload := bytes.Repeat([]byte("0123456789abcdef"), 64<<10/16)
	head := eventstream.Event("SubscribeToShardEvent", json)
	var dst []byte
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		dst = head.End(append(head.Begin(dst[:0]), payload...), 0)
	}
}
