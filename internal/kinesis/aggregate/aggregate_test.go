package aggregate

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// pack is the encoder of the KPL: equal keys are written once.
func pack(records []Record) []byte {
	var keys, hashes []string
	index := func(table *[]string, s string) uint64 {
		i := slices.Index(*table, s)
		if i < 0 {
			i = len(*table)
			*table = append(*table, s)
		}
		return uint64(i)
	}
	var packed [][]byte
	for _, r := range records {
		m := number(nil, 1, index(&keys, r.PartitionKey))
		if r.HashKey != "" {
			m = number(m, 2, index(&hashes, r.HashKey))
		}
		packed = append(packed, field(m, 3, r.Data))
	}
	var body []byte
	for _, k := range keys {
		body = field(body, 1, []byte(k))
	}
	for _, h := range hashes {
		body = field(body, 2, []byte(h))
	}
	for _, m := range packed {
		body = field(body, 3, m)
	}
	return sealed(body)
}

func sealed(body []byte) []byte {
	sum := md5.Sum(body)
	return slices.Concat(magic, body, sum[:])
}

func number(m []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), v)
}

func field(m []byte, field int, b []byte) []byte {
	m = binary.AppendUvarint(m, uint64(field)<<3|wireBytes)
	return append(binary.AppendUvarint(m, uint64(len(b))), b...)
}

func TestWhatWasPackedIsTakenApart(t *testing.T) {
	t.Parallel()
	record := rapid.Custom(func(t *rapid.T) Record {
		return Record{
			PartitionKey: rapid.SampledFrom([]string{"a", "b", "ключ"}).Draw(t, "key"), HashKey: rapid.SampledFrom([]string{"", "0", "123456789"}).Draw(t, "hash"),
			Data: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(record, 0, 20).Draw(t, "records")
		out, ok := Split(pack(in))
		if !ok || len(out) != len(in) {
			t.Fatalf("%d records became %d, %v", len(in), len(out), ok)
		}
		for i := range in {
			if out[i].PartitionKey != in[i].PartitionKey || out[i].HashKey != in[i].HashKey || !bytes.Equal(out[i].Data, in[i].Data) {
				t.Fatalf("record %d: %+v became %+v", i, in[i], out[i])
			}
		}
	})
}

// TestKnownBytes: two records of partition keys a and b, written out by hand from
// kpl.proto; tags and unknown fields are passed over.
func TestKnownBytes(t *testing.T) {
	t.Parallel()
	body, err := hex.DecodeString("0a0161" + "0a0162" + "120137" + "1a06" + "0800" + "1a027879" + "1a0e" + "0801" + "1000" + "1a00" + "22060a016b120176" + "2a0178" + "30ffffffffffffffffff01" + "3d01020304" + "410102030405060708")
	if err != nil {
		t.Fatal(err)
	}
	out, ok := Split(sealed(body))
	if !ok || len(out) != 2 || out[0].PartitionKey != "a" || string(out[0].Data) != "xy" || out[0].HashKey != "" ||
		out[1].PartitionKey != "b" || out[1].HashKey != "7" || out[1].Data == nil || len(out[1].Data) != 0 {
		t.Errorf("%+v, %v", out, ok)
	}
}

// TestBytesOfAnotherEncoder: what npm's aws-kinesis-agg 4.2.8 made of three records.
func TestBytesOfAnotherEncoder(t *testing.T) {
	t.Parallel()
	data, err := hex.DecodeString("f3899ac20a01610a016212013012273334303238323336363932303933383436333436333337343630373433313736383231313435351a07080010001a01781a09080110011a0300ff071a0b080010001a0574686972642f69b0dcbb14896d63abb27a26fc2858")
	if err != nil {
		t.Fatal(err)
	}
	out, ok := Split(data)
	want := []Record{{"a", "0", []byte("x")}, {"b", "340282366920938463463374607431768211455", []byte{0, 255, 7}}, {"a", "0", []byte("third")}}
	if !ok || !slices.EqualFunc(out, want, func(a, b Record) bool {
		return a.PartitionKey == b.PartitionKey && a.HashKey == b.HashKey && bytes.Equal(a.Data, b.Data)
	}) {
		t.Errorf("%+v, %v", out, ok)
	}
}

// TestDamagedIsPlain: whatever is wrong, it is no aggregate.
func TestDamagedIsPlain(t *testing.T) {
	t.Parallel()
	good := pack([]Record{{"a", "1", []byte("x")}, {"b", "", []byte("y")}})
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if _, ok := Split(bad); ok {
			t.Errorf("byte %d changed, and taken", i)
		}
		if _, ok := Split(good[:i]); ok {
			t.Errorf("%d bytes are taken", i)
		}
	}
	for what, body := range map[string][]byte{
		"no such key":      field(field(nil, 1, []byte("a")), 3, field(number(nil, 1, 1), 3, nil)),
		"no key":           field(field(nil, 1, []byte("a")), 3, field(nil, 3, nil)),
		"no such hash":     field(field(nil, 1, []byte("a")), 3, field(number(number(nil, 1, 0), 2, 0), 3, nil)),
		"no data":          field(field(nil, 1, []byte("a")), 3, number(nil, 1, 0)),
		"data is a number": field(field(nil, 1, []byte("a")), 3, number(number(nil, 1, 0), 3, 0)),
		"key is a number":  number(nil, 1, 0),
		"key is bytes":     field(field(nil, 1, []byte("a")), 3, field(field(nil, 1, []byte("x")), 3, nil)),
		"field 0":          {0, 0},
		"group":            {0x0b},
		"endless varint":   bytes.Repeat([]byte{0xff}, 20),
		"too long":         {0x0a, 0x05, 'a'},
		"huge":             {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"short fixed":      {0x39, 1, 2, 3},
	} {
		if out, ok := Split(sealed(body)); ok {
			t.Errorf("%s: %+v", what, out)
		}
	}
}

func TestTooManyRecords(t *testing.T) {
	t.Parallel()
	body := field(nil, 1, []byte("a"))
	one := field(nil, 3, field(number(nil, 1, 0), 3, nil))
	body = append(body, bytes.Repeat(one, MaxRecords)...)
	if out, ok := Split(sealed(body)); !ok || len(out) != MaxRecords {
		t.Errorf("%d, %v", len(out), ok)
	}
	if _, ok := Split(sealed(append(body, one...))); ok {
		t.Error("one too many is taken")
	}
}

// FuzzSplit: anything with a right sum is taken apart or refused, and what is taken apart
// and packed again says the same.
func FuzzSplit(f *testing.F) {
	good := pack([]Record{{"a", "1", []byte("x")}, {"b", "", nil}})
	f.Add(good[len(magic) : len(good)-md5.Size])
	f.Fuzz(func(t *testing.T, body []byte) {
		Split(body)
		out, ok := Split(sealed(body))
		if !ok {
			return
		}
		again, ok := Split(pack(out))
		if !ok || len(again) != len(out) {
			t.Fatalf("%d records became %d", len(out), len(again))
		}
		for i := range out {
			if out[i].PartitionKey != again[i].PartitionKey || out[i].HashKey != again[i].HashKey || !bytes.Equal(out[i].Data, again[i].Data) {
				t.Fatalf("record %d: %+v became %+v", i, out[i], again[i])
			}
		}
	})
}
