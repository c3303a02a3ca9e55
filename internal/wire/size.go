package wire

import (
	"slices"
	"time"

	"github.com/spillway/spillway/internal/smithy"
)

// Grow makes room in dst for out, for services that have large documents: a buffer that
// grows by itself copies 10 MiB several times over.
func Grow(dst []byte, svc *smithy.Service, out smithy.Shape, base64 bool) []byte {
	if svc == nil || svc.MaxBody == 0 || out == nil {
		return dst
	}
	s := sizer{base64: base64}
	out.EncodeMembers(&s)
	return slices.Grow(dst, s.n+len("{}"))
}

// sizer adds up, as an Encoder, how much room a document takes; a little more than it
// does, unless strings need escapes.
type sizer struct {
	n      int
	base64 bool // blobs are text
}

// Around a name are quotes, a colon and a comma; a number has 20 digits at most.
const (
	aroundName = 4
	anyNumber  = 24
)

func (s *sizer) add(m *smithy.Member, n int) { s.n += len(m.Name) + aroundName + n }

func (s *sizer) String(m *smithy.Member, v string)  { s.add(m, len(v)+9) }
func (s *sizer) Int(m *smithy.Member, _ int64)      { s.add(m, anyNumber) }
func (s *sizer) Float(m *smithy.Member, _ float64)  { s.add(m, anyNumber) }
func (s *sizer) Bool(m *smithy.Member, _ bool)      { s.add(m, len("false")) }
func (s *sizer) Time(m *smithy.Member, _ time.Time) { s.add(m, anyNumber) }
func (s *sizer) BeginList(m *smithy.Member, _ int)  { s.add(m, len("[]")) }
func (s *sizer) EndList(*smithy.Member)             {}
func (s *sizer) BeginMap(m *smithy.Member, _ int)   { s.add(m, len("{}")) }
func (s *sizer) EndMap(*smithy.Member)              {}
func (s *sizer) Key(_ *smithy.Member, k string)     { s.n += len(k) + 9 }

func (s *sizer) Blob(m *smithy.Member, v []byte) {
	n := len(v)
	if s.base64 {
		n = (n + 2) / 3 * 4
	}
	s.add(m, n+9)
}

func (s *sizer) Struct(m *smithy.Member, v smithy.Shape) {
	s.add(m, len("{}"))
	v.EncodeMembers(s)
}
