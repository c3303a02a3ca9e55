package filter

import (
	"fmt"
	"testing"
)

func benchPolicy(i int) string {
	return fmt.Sprintf(`{"customer": ["c%d"], "type": ["order", "refund"], "amount": [{"numeric": [">", 10]}]}`, i)
}

func benchMessage(i int) *Message {
	return &Message{Attributes: []Attribute{
		{"type", "String", "order"},
		{"customer", "String", fmt.Sprintf("c%d", i)},
		{"amount", "Number", "12.5"},
		{"trace", "String", "1-5759e988-bd862e3fe1be46a994272793"},
	}}
}

// fresh is a message that has parsed nothing yet, as each publish brings one.
func fresh(m *Message) *Message { return &Message{Attributes: m.Attributes, Body: m.Body} }

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	text := benchPolicy(7)
	for b.Loop() {
		if _, err := Parse(text, Attributes); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	b.ReportAllocs()
	p, m := mustParse(b, benchPolicy(7), Attributes), benchMessage(7)
	for b.Loop() {
		if !p.Match(fresh(m)) {
			b.Fatal("no match")
		}
	}
}

// BenchmarkIndex has one match among n policies, which BenchmarkEach looks for
// one by one.
func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		x := NewIndex[int]()
		for i := range n {
			x.Add(i, mustParse(b, benchPolicy(i), Attributes))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			m := benchMessage(n / 2)
			for b.Loop() {
				matches := 0
				x.Match(fresh(m), func(int) { matches++ })
				if matches != 1 {
					b.Fatal(matches, "matches")
				}
			}
		})
	}
}

func BenchmarkEach(b *testing.B) {
	var policies []*Policy
	for i := range 10_000 {
		policies = append(policies, mustParse(b, benchPolicy(i), Attributes))
	}
	m := benchMessage(5000)
	for b.Loop() {
		matches, m := 0, fresh(m)
		for _, p := range policies {
			if p.Match(m) {
				matches++
			}
		}
		if matches != 1 {
			b.Fatal(matches, "matches")
		}
	}
}

func BenchmarkIndexBody(b *testing.B) {
	b.ReportAllocs()
	x := NewIndex[int]()
	for i := range 10_000 {
		x.Add(i, mustParse(b, fmt.Sprintf(`{"order": {"customer": {"id": [%d]}, "lines": {"sku": [{"prefix": "sku-"}]}}}`, i), Body))
	}
	m := &Message{Body: `{"order": {"id": "o-1", "customer": {"id": 5000, "name": "N"}, "lines": [{"sku": "sku-1", "n": 1}, {"sku": "sku-2", "n": 2}]}}`}
	for b.Loop() {
		matches := 0
		x.Match(fresh(m), func(int) { matches++ })
		if matches != 1 {
			b.Fatal(matches, "matches")
		}
	}
}

func BenchmarkAddRemove(b *testing.B) {
	var policies []*Policy
	for i := range 10_000 {
		policies = append(policies, mustParse(b, benchPolicy(i), Attributes))
	}
	for b.Loop() {
		x := NewIndex[int]()
		for i, p := range policies {
			x.Add(i, p)
		}
		for i := range policies {
			x.Remove(i)
		}
	}
}
