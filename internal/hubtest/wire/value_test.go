package wire

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The encodings are those of AMQP 1.0 part 1, section 1.6.
func TestValuesAreEncodedAsSpecified(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, tc := range []struct {
		name  string
		value any
		want  string
	}{
		{"null", nil, "\x40"},
		{"true", true, "\x41"},
		{"false", false, "\x42"},
		{"ubyte", uint8(200), "\x50\xc8"},
		{"ushort", uint16(0x1234), "\x60\x12\x34"},
		{"uint 0", uint32(0), "\x43"},
		{"small uint", uint32(255), "\x52\xff"},
		{"uint", uint32(256), "\x70\x00\x00\x01\x00"},
		{"ulong 0", uint64(0), "\x44"},
		{"small ulong", uint64(7), "\x53\x07"},
		{"ulong", uint64(1) << 32, "\x80\x00\x00\x00\x01\x00\x00\x00\x00"},
		{"byte", int8(-1), "\x51\xff"},
		{"short", int16(-2), "\x61\xff\xfe"},
		{"small int", int32(-128), "\x54\x80"},
		{"int", int32(-129), "\x71\xff\xff\xff\x7f"},
		{"small long", int64(127), "\x55\x7f"},
		{"long", int64(128), "\x81\x00\x00\x00\x00\x00\x00\x00\x80"},
		{"float", float32(1), "\x72\x3f\x80\x00\x00"},
		{"double", float64(-2), "\x82\xc0\x00\x00\x00\x00\x00\x00\x00"},
		{"char", Char('A'), "\x73\x00\x00\x00\x41"},
		{"timestamp", Timestamp(-1), "\x83\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"decimal32", Decimal32{1}, "\x74\x01\x00\x00\x00"},
		{"decimal64", Decimal64{1}, "\x84\x01\x00\x00\x00\x00\x00\x00\x00"},
		{"decimal128", Decimal128{1}, "\x94\x01" + strings.Repeat("\x00", 15)},
		{"uuid", UUID{2}, "\x98\x02" + strings.Repeat("\x00", 15)},
		{"binary", []byte("ab"), "\xa0\x02ab"},
		{"long binary", []byte(long), "\xb0\x00\x00\x01\x00" + long},
		{"string", "ü", "\xa1\x02ü"},
		{"long string", long, "\xb1\x00\x00\x01\x00" + long},
		{"symbol", Symbol("s"), "\xa3\x01s"},
		{"long symbol", Symbol(long), "\xb3\x00\x00\x01\x00" + long},
		{"empty list", List{}, "\x45"},
		{"list", List{nil, "a"}, "\xc0\x05\x02\x40\xa1\x01a"},
		{"long list", List{long}, "\xd0\x00\x00\x01\x09\x00\x00\x00\x01\xb1\x00\x00\x01\x00" + long},
		{"map", Map{{"k", true}}, "\xc1\x05\x02\xa1\x01k\x41"},
		{"array", Symbols("a", "b"), "\xe0\x0c\x02\xb3\x00\x00\x00\x01a\x00\x00\x00\x01b"},
		{"empty array", Strings(nil), "\xe0\x02\x00\xb1"},
		{"array of ulong", Array{Code: codeUlong, Values: []any{uint64(1)}}, "\xe0\x0a\x01\x80\x00\x00\x00\x00\x00\x00\x00\x01"},
		{"described array", Array{Descriptor: uint64(5), Code: codeBoolean, Values: []any{true}}, "\xe0\x06\x01\x00\x53\x05\x56\x01"},
		{"described", Described{uint64(0x24), List{}}, "\x00\x53\x24\x45"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := AppendValue([]byte("before"), tc.value)
			require.NoError(t, err)
			require.Equal(t, "before"+tc.want, string(got))
			v, rest, err := ReadValue([]byte(tc.want + "behind"))
			require.NoError(t, err)
			require.Equal(t, tc.value, v)
			require.Equal(t, "behind", string(rest))
		})
	}
}

func TestGoTypesThatStandForOthers(t *testing.T) {
	at := time.UnixMilli(1700000000123)
	for _, tc := range []struct {
		name     string
		in, want any
	}{
		{"int", 5, int64(5)},
		{"time", at, Timestamp(1700000000123)},
		{"strings", []string{"a"}, Strings([]string{"a"})},
		{"symbols", []Symbol{"a"}, Symbols("a")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := AppendValue(nil, tc.in)
			require.NoError(t, err)
			v, _, err := ReadValue(b)
			require.NoError(t, err)
			require.Equal(t, tc.want, v)
		})
	}
}

func TestOtherEncodingsOfTheSameAreRead(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     any
	}{
		{"boolean of one byte", "\x56\x01", true},
		{"wide uint", "\x70\x00\x00\x00\x01", uint32(1)},
		{"wide list", "\xd0\x00\x00\x00\x05\x00\x00\x00\x01\x40", List{nil}},
		{"empty list with a size", "\xc0\x01\x00", List{}},
		{"narrow array", "\xe0\x04\x02\x52\x01\x02", Array{Code: codeUint, Values: []any{uint32(1), uint32(2)}}},
		{"array without width", "\xe0\x02\x03\x43", Array{Code: codeUint, Values: []any{uint32(0), uint32(0), uint32(0)}}},
		{"short strings in an array", "\xe0\x05\x01\xa1\x02ab", Strings([]string{"ab"})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, rest, err := ReadValue([]byte(tc.in))
			require.NoError(t, err)
			require.Empty(t, rest)
			require.Equal(t, tc.want, v)
		})
	}
}

func TestMalformedValuesAreRefused(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                              "",
		"unknown constructor":                  "\x01",
		"unknown constructor of no width":      "\x4f",
		"unknown constructor of one byte":      "\x5f\x00",
		"unknown constructor of variable size": "\xaf\x00",
		"unknown compound":                     "\xcf\x02\x00\x00",
		"boolean 2":                            "\x56\x02",
		"cut uint":                             "\x70\x00",
		"cut string":                           "\xa1\x05ab",
		"string of 4 GiB":                      "\xb1\xff\xff\xff\xffab",
		"list of 4 thousand million":           "\xd0\x00\x00\x00\x05\xff\xff\xff\xff\x40",
		"list shorter than it says":            "\xc0\x02\x02\x40",
		"list longer than it says":             "\xc0\x03\x01\x40\x40",
		"map without a value":                  "\xc1\x02\x01\x40",
		"array without a constructor":          "\xe0\x01\x00",
		"array of no width, too many":          "\xf0\x00\x00\x00\x05\x00\x00\x04\x01\x40",
		"array described twice":                "\xe0\x05\x00\x00\x40\x00\x40",
		"array of an unknown type":             "\xe0\x02\x00\x01",
		"described by nothing":                 "\x00",
		"nested too deep":                      strings.Repeat("\x00\x40", 70) + "\x40",
		"arrays nested too deep":               "\xf0\x00\x00\x01\x00\x00\x00\x00\x01" + strings.Repeat("\xf0\x00\x00\x00\xf0\x00\x00\x00\x01", 70),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ReadValue([]byte(in))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func TestArraysOfNoWidthShareOneBound(t *testing.T) {
	// 700 nulls in seven bytes, twice in one list: each alone would pass.
	array := "\xf0\x00\x00\x00\x05\x00\x00\x02\xbc\x40"
	_, _, err := ReadValue([]byte("\xc0\x0b\x01" + array))
	require.NoError(t, err)
	_, _, err = ReadValue([]byte("\xc0\x15\x02" + array + array))
	require.ErrorIs(t, err, ErrMalformed)
}

func TestWhatHasNoAMQPTypeIsNotEncoded(t *testing.T) {
	for name, v := range map[string]any{
		"channel":              make(chan int),
		"in a list":            List{struct{}{}},
		"key of a map":         Map{{struct{}{}, 1}},
		"value of a map":       Map{{1, struct{}{}}},
		"descriptor":           Described{struct{}{}, nil},
		"described":            Described{nil, struct{}{}},
		"mixed array":          Array{Code: codeUint, Values: []any{"text"}},
		"in an array":          Array{Code: codeUint, Values: []any{struct{}{}}},
		"descriptor of arrays": Array{Descriptor: struct{}{}, Code: codeUint},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := AppendValue([]byte("before"), v)
			require.Error(t, err)
			require.Equal(t, "before", string(got))
		})
	}
}

func TestMapsAreSearchedByStringOrSymbol(t *testing.T) {
	m := Map{{int64(1), "one"}, {Symbol("a"), Symbol("x")}, {"b", "y"}, {"n", math.Pi}}
	require.Equal(t, "x", m.GetString("a"))
	require.Equal(t, "y", m.GetString("b"))
	require.Equal(t, "", m.GetString("n"))
	require.Equal(t, math.Pi, m.Get("n"))
	require.Nil(t, m.Get("c"))
}
