package wire

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/smithy"
)

// Token is what a decoder finds where a value should be.
type Token uint8

// The tokens that are not what is wanted. TokenBytes is CBOR's.
const (
	TokenString Token = iota
	TokenNumber
	TokenTrue
	TokenFalse
	TokenBytes
	TokenList
	TokenMap
)

// Mismatch says in a dialect that a value is not of the kind that is wanted. The texts
// are AWS's (facts-sqs.md 1.5; facts-kinesis.md 1, "type mismatches").
func Mismatch(d smithy.Dialect, got Token, want smithy.Kind) string {
	switch {
	case got == TokenMap:
		return "Start of structure or map found where not expected."
	case got == TokenList:
		return "Start of list found where not expected"
	case d == smithy.DialectClassic:
		return classicMismatch(got, want)
	case want >= smithy.KindList:
		return "Unrecognized collection type class java.lang." + [...]string{"String", "Number", "Boolean", "Boolean", "Object"}[got]
	}
	name := [...]string{"STRING_VALUE", "NUMBER_VALUE", "TRUE_VALUE", "FALSE_VALUE", "BYTES_VALUE"}[got]
	return name + " can not be converted to " + wanted(want, want == smithy.KindInteger)
}

func classicMismatch(got Token, want smithy.Kind) string {
	switch want {
	case smithy.KindList:
		return "Expected list or null"
	case smithy.KindMap:
		return "Expected map or null"
	case smithy.KindStructure:
		return "Expected null"
	}
	class := [...]string{
		"java.lang.String", "com.amazon.coral.value.json.numbers.TruncatingBigNumber", "java.lang.Boolean", "java.lang.Boolean", "java.nio.HeapByteBuffer",
	}[got]
	return "class " + class + " can not be converted to " + wanted(want, want != smithy.KindBlob)
}

// wanted is a kind with its article, of which AWS's front ends have their own ideas.
func wanted(want smithy.Kind, an bool) string {
	article := "a "
	if an {
		article = "an "
	}
	switch want {
	case smithy.KindString:
		return article + "String"
	case smithy.KindInteger:
		return article + "Integer"
	case smithy.KindLong:
		return article + "Long"
	case smithy.KindFloat, smithy.KindDouble:
		return article + "Double"
	case smithy.KindBoolean:
		return article + "Boolean"
	case smithy.KindTimestamp:
		return "milliseconds since epoch"
	}
	return article + "Blob"
}

// MessageKey is the name of an error's message in the classic dialect.
func MessageKey(err *smithy.APIError) string {
	if err.ErrorType == smithy.SerializationError {
		return "Message"
	}
	return "message"
}

// ClassicBool reads a boolean that is written as a string, which the classic dialect
// allows, or says what is wrong with it.
func ClassicBool(text []byte) (v bool, problem string) {
	upper := strings.ToUpper(string(text[:min(len(text), maxQuoted)]))
	switch upper {
	case "TRUE", "YES", "1":
		return true, ""
	case "FALSE", "NO", "0":
		return false, ""
	}
	return false, "'" + upper + "' can not be converted to an Boolean"
}

// ClassicBlob says in the classic dialect what is wrong with a blob that is no base64.
func ClassicBlob(text []byte) string {
	shown := "'" + strings.ToValidUTF8(string(text[:min(len(text), maxQuoted)]), "\uFFFD") + "' can not be converted to a Blob: "
	if len(text)%4 != 0 {
		return shown + "Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(text))
	}
	for i, c := range text {
		switch {
		case c == '=' && len(bytes.Trim(text[i:], "=")) > 0,
			c != '=' && c != '+' && c != '/' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'):
			return shown + "Invalid Base64 character: '" + string(rune(c)) + "'"
		}
	}
	return shown + "Invalid last non-pad Base64 character dectected"
}

// maxQuoted bounds what errors repeat of a request, in bytes.
const maxQuoted = 1 << 10
