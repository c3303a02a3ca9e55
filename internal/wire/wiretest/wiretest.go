// Package wiretest helps the tests of codecs: it fills shapes, compares them
// with what an AWS SDK made of them, and reads the SDKs' recorded requests. It
// is imported by tests only.
package wiretest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/wire"
)

// Text is what Fill puts into strings, beside the member's name: what codecs
// tend to get wrong.
const Text = "a\"b\\c/<&>' \t\n é 漢 😀 \u2028"

// Fill sets every field of the structure that v points to, all the way down:
// two elements a list, two entries a map.
func Fill(v any) { fill(reflect.ValueOf(v).Elem(), "x") }

func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(1_700_000_000_123).UTC()))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
				fill(v.Field(i), f.Name)
			}
		}
	case reflect.String:
		v.SetString(name + " " + Text)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(len(name)) + 40)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(name + "\x00\xff"))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), fmt.Sprintf("%s%d", name, i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range 2 {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(e, fmt.Sprintf("%s%d", name, i))
			v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("k%d %s", i, Text)).Convert(v.Type().Key()), e)
		}
	}
}

// Tree turns a shape, ours or an SDK's, into maps, slices and plain values, so
// that reflect.DeepEqual compares what they say and not their types. Absent and
// zero are the same: SDKs do not tell them apart everywhere.
func Tree(v any) any { return tree(reflect.ValueOf(v)) }

func tree(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return tree(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UnixMilli()
		}
		out := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "ResultMetadata" {
				continue
			}
			if x := tree(v.Field(i)); x != nil {
				out[f.Name] = x
			}
		}
		return out
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return string(v.Bytes())
		}
		if v.Len() == 0 {
			return nil
		}
		var out []any
		for i := range v.Len() {
			out = append(out, tree(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, k := range v.MapKeys() {
			out[k.String()] = tree(v.MapIndex(k))
		}
		return out
	case reflect.String:
		return v.String()
	case reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Float64:
		return v.Float()
	case reflect.Bool:
		return v.Bool()
	}
	return nil
}

// Header is a wire.Header of canonical names.
type Header map[string]string

// Get implements wire.Header.
func (h Header) Get(name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// Values implements wire.Header.
func (h Header) Values(dst []string, name string) []string {
	if v := h.Get(name); v != "" {
		dst = append(dst, v)
	}
	return dst
}

// Each implements wire.Header.
func (h Header) Each(f func(name, value string) bool) {
	for k, v := range h {
		if !f(k, v) {
			return
		}
	}
}

// Snapshots returns the requests that an SDK module recorded of itself, by
// operation: <module>/request_snapshot/<Operation>.request.snap.
func Snapshots(t testing.TB, module string) map[string]*wire.Request {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", module, err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "request_snapshot", "*.request.snap"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no request snapshots: %v", module, err)
	}
	out := map[string]*wire.Request{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// "POST /path", a blank line, headers, a blank line, the body.
		parts := strings.SplitN(string(text), "\n\n", 3)
		if len(parts) != 3 {
			t.Fatalf("%s: not a snapshot", file)
		}
		r := &wire.Request{Header: Header{}, Body: []byte(parts[2])}
		r.Method, r.Path, _ = strings.Cut(strings.TrimSpace(parts[0]), " ")
		for line := range strings.Lines(parts[1]) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r.Header.(Header)[name] = value
		}
		op, _, _ := strings.Cut(filepath.Base(file), ".")
		out[op] = r
	}
	return out
}
