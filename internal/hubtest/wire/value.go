// Package wire encodes and decodes AMQP 1.0: values, frames, performatives and messages.
//
// It knows the format only (OASIS AMQP 1.0, parts 1 to 3 and 5) and does no input or output. Decoding
// takes untrusted bytes: it never panics, never recurses deeper than [maxDepth], and never allocates
// more than a small multiple of its input. Decoded byte slices alias the input.
//
// AMQP types and the Go types that stand for them:
//
//	null       nil           boolean    bool         uuid       UUID
//	ubyte      uint8         byte       int8         binary     []byte
//	ushort     uint16        short      int16        string     string
//	uint       uint32        int        int32        symbol     Symbol
//	ulong      uint64        long       int64        list       List
//	float      float32       double     float64      map        Map
//	decimal32  Decimal32     decimal64  Decimal64    array      Array
//	decimal128 Decimal128    char       Char         described  Described
//	timestamp  Timestamp
package wire

import (
	"errors"
	"fmt"
	"time"
)

// ErrMalformed is in every error of decoding. It says that the bytes are no AMQP 1.0.
var ErrMalformed = errors.New("malformed AMQP")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Symbol is an AMQP symbol: a name from a fixed set, ASCII on the wire.
type Symbol string

// Char is an AMQP char: one Unicode code point.
type Char uint32

// UUID is an AMQP uuid.
type UUID [16]byte

// Timestamp is an AMQP timestamp: milliseconds since the Unix epoch, UTC.
type Timestamp int64

// TimestampOf returns t as a timestamp, cut to the millisecond.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMilli()) }

// Decimal32 is an AMQP decimal32, kept as its four bytes, because nothing here computes with it.
type Decimal32 [4]byte

// Decimal64 is an AMQP decimal64, kept as its eight bytes.
type Decimal64 [8]byte

// Decimal128 is an AMQP decimal128, kept as its sixteen bytes.
type Decimal128 [16]byte

// List is an AMQP list.
type List []any

// Pair is one entry of a Map.
type Pair struct {
	Key   any
	Value any
}

// Map is an AMQP map in the order of the wire. It is no Go map, because a key may be of any AMQP type, and Go cannot
// hash some of them.
type Map []Pair

// Get returns the value of the first entry whose key is the string or symbol name, or nil if there is none.
func (m Map) Get(name string) any {
	for _, p := range m {
		switch k := p.Key.(type) {
		case string:
			if k == name {
				return p.Value
			}
		case Symbol:
			if string(k) == name {
				return p.Value
			}
		}
	}
	return nil
}

// GetString returns the value of name if it is a string or a symbol, and otherwise "".
func (m Map) GetString(name string) string {
	switch v := m.Get(name).(type) {
	case string:
		return v
	case Symbol:
		return string(v)
	}
	return ""
}

// Array is an AMQP array: values of one type, which is encoded only once.
type Array struct {
	// Descriptor describes each element if the constructor is described. Otherwise it is nil.
	Descriptor any
	// Code is the widest constructor code of the element type, for example 0xb1 for string.
	Code byte
	// Values are the elements without the descriptor.
	Values []any
}

// Strings returns an array of strings.
func Strings(vs []string) Array {
	a := Array{Code: codeStr32, Values: make([]any, len(vs))}
	for i, v := range vs {
		a.Values[i] = v
	}
	return a
}

// Symbols returns an array of symbols.
func Symbols(vs ...Symbol) Array {
	a := Array{Code: codeSym32, Values: make([]any, len(vs))}
	for i, v := range vs {
		a.Values[i] = v
	}
	return a
}

// Described is a value with a descriptor, which says what the value means.
type Described struct {
	Descriptor any
	Value      any
}

// Constructor codes, AMQP 1.0 part 1, section 1.6.
const (
	codeDescribed  = 0x00
	codeNull       = 0x40
	codeTrue       = 0x41
	codeFalse      = 0x42
	codeUint0      = 0x43
	codeUlong0     = 0x44
	codeList0      = 0x45
	codeUbyte      = 0x50
	codeByte       = 0x51
	codeSmallUint  = 0x52
	codeSmallUlong = 0x53
	codeSmallInt   = 0x54
	codeSmallLong  = 0x55
	codeBoolean    = 0x56
	codeUshort     = 0x60
	codeShort      = 0x61
	codeUint       = 0x70
	codeInt        = 0x71
	codeFloat      = 0x72
	codeChar       = 0x73
	codeDecimal32  = 0x74
	codeUlong      = 0x80
	codeLong       = 0x81
	codeDouble     = 0x82
	codeTimestamp  = 0x83
	codeDecimal64  = 0x84
	codeDecimal128 = 0x94
	codeUUID       = 0x98
	codeBin8       = 0xa0
	codeStr8       = 0xa1
	codeSym8       = 0xa3
	codeBin32      = 0xb0
	codeStr32      = 0xb1
	codeSym32      = 0xb3
	codeList8      = 0xc0
	codeMap8       = 0xc1
	codeList32     = 0xd0
	codeMap32      = 0xd1
	codeArray8     = 0xe0
	codeArray32    = 0xf0
)

// widest returns the widest constructor code of the type that a code has.
func widest(code byte) byte {
	switch code {
	case codeTrue, codeFalse:
		return codeBoolean
	case codeUint0, codeSmallUint:
		return codeUint
	case codeUlong0, codeSmallUlong:
		return codeUlong
	case codeSmallInt:
		return codeInt
	case codeSmallLong:
		return codeLong
	case codeBin8, codeStr8, codeSym8:
		return code + 0x10
	case codeList0:
		return codeList32
	case codeList8, codeMap8, codeArray8:
		return code + 0x10
	}
	return code
}
