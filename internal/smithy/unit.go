package smithy

// Unit is the input of operations whose model has none.
type Unit struct{}

// Schema implements Shape.
func (*Unit) Schema() *Schema { return unitSchema }

// EncodeMembers implements Shape.
func (*Unit) EncodeMembers(Encoder) {}

// DecodeMember implements Shape.
func (*Unit) DecodeMember(Decoder, int) {}

var unitSchema = Structure("Unit")
