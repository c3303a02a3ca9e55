package sqs

import (
	"crypto"
	"reflect"
	"testing"

	"github.com/spillway/spillway/internal/service"
)

// headers are of all kinds that are stored.
var headers = []header{
	{body: digest{1, 2, 3}, sender: "AIDA"},
	{body: digest{9}, sender: "AIDA", trace: "Root=1", digest: digest{7}, attributes: []attribute{
		{name: "a", dataType: "String", kind: kindText, value: []byte("x")},
		{name: "b", dataType: "Binary.png", kind: kindBinary, value: []byte{0, 255}},
	}},
	{seal: &service.Seal{At: 1 << 20, Hash: crypto.SHA1, Sum: make([]byte, 20)}, sender: "SNS"},
	{seal: &service.Seal{At: 0, Hash: crypto.SHA256, Sum: make([]byte, 32)}, sender: "SNS", trace: "Root=1", digest: digest{7}, attributes: []attribute{
		{name: "a", dataType: "String", kind: kindText, value: []byte("x")},
	}},
}

func TestHeader(t *testing.T) {
	for _, h := range headers {
		b := h.append(nil)
		got, err := parseHeader(b)
		if err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("%+v, %v; want %+v", got, err, h)
		}
		if isSealed(b) != (h.seal != nil) {
			t.Errorf("sealed: %v", isSealed(b))
		}
		for n := range b {
			if got, err := parseHeader(b[:n]); err == nil {
				t.Errorf("%d of %d bytes are %+v", n, len(b), got)
			}
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, h := range headers {
		f.Add(h.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeader(b)
		if err != nil {
			return
		}
		again, err := parseHeader(h.append(nil))
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Errorf("%+v, %v; want %+v", again, err, h)
		}
	})
}
