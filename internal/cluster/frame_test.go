package cluster

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestFrameRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := frame{
			kind: byte(rapid.IntRange(int(kindBatch), int(kindPart)).Draw(t, "kind")), epoch: rapid.Uint64().Draw(t, "epoch"),
			tenure: rapid.Uint64().Draw(t, "tenure"),
			number: rapid.Uint64().Draw(t, "number"), previous: rapid.Uint64().Draw(t, "previous"), time: rapid.Int64().Draw(t, "time"),
			payload: rapid.SliceOf(rapid.Byte()).Draw(t, "payload"),
		}
		copy(f.log[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "log"))
		copy(f.hash[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "hash"))
		b := f.append(nil)
		got, err := parseFrame(b)
		if err != nil || !bytes.Equal(got.payload, f.payload) {
			t.Fatalf("%+v %v", got, err)
		}
		got.payload, f.payload = nil, nil
		if got.kind != f.kind || got.log != f.log || got.epoch != f.epoch || got.tenure != f.tenure || got.number != f.number || got.previous != f.previous ||
			got.hash != f.hash || got.time != f.time {
			t.Fatalf("%+v is not %+v", got, f)
		}
		// Any bit that flips is noticed.
		b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := parseFrame(b); !errors.Is(err, errFrame) {
			t.Fatalf("a flipped bit: %v", err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add((&frame{kind: kindBarrier, epoch: 1}).append(nil))
	f.Add((&frame{kind: kindBatch, payload: []byte("batch")}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := parseFrame(b)
		if err != nil {
			return
		}
		if !bytes.Equal(x.append(nil), b) {
			t.Errorf("%x is read and written as something else", b)
		}
	})
}

func TestPositionRoundTrip(t *testing.T) {
	t.Parallel()
	p := position{state: stateApplied, log: uuid{1}, seq: 7, hash: digest{2}, epoch: 3, number: 9, time: 11, offset: -12}
	got, err := parsePosition(p.encode())
	if err != nil || got != p {
		t.Errorf("%+v %v", got, err)
	}
	for n := range p.encode() {
		if _, err := parsePosition(p.encode()[:n]); err == nil {
			t.Errorf("%d bytes are read as a position", n)
		}
	}
	first := append([]byte{1}, p.encode()[1:positionSizeV1]...)
	if got, err := parsePosition(first); err != nil || got.time != 11 || got.offset != 0 {
		t.Errorf("version 1: %+v %v", got, err)
	}
}

// TestChain: only the one frame that continues a position is taken.
func TestChain(t *testing.T) {
	t.Parallel()
	p := position{state: stateApplied, log: uuid{1}, seq: 7, hash: digest{2}, epoch: 3, number: 9}
	good := frame{kind: kindBatch, log: p.log, epoch: 3, number: 10, previous: 7, hash: p.hash}
	if err := p.check(8, &good); err != nil {
		t.Errorf("the next frame: %v", err)
	}
	barrier := good
	barrier.kind, barrier.epoch = kindBarrier, 5
	if err := p.check(8, &barrier); err != nil {
		t.Errorf("a barrier: %v", err)
	}
	for name, change := range map[string]func(f *frame){
		"another log":                 func(f *frame) { f.log = uuid{9} },
		"another history":             func(f *frame) { f.hash = digest{9} },
		"a gap":                       func(f *frame) { f.previous = 8 },
		"a number left out":           func(f *frame) { f.number = 11 },
		"an old epoch":                func(f *frame) { f.epoch = 2 },
		"an epoch with no barrier":    func(f *frame) { f.epoch = 4 },
		"a barrier of the same epoch": func(f *frame) { f.kind = kindBarrier },
	} {
		f := good
		change(&f)
		if err := p.check(8, &f); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.check(9, &good); !errors.Is(err, errDamaged) {
		t.Errorf("another sequence: %v", err)
	}
}
