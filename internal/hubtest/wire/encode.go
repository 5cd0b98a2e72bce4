package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

var be = binary.BigEndian

// AppendValue appends v in its shortest encoding. Besides the types of the package comment, it accepts int (as a
// long), time.Time (as a timestamp), and []string and []Symbol (as arrays). For any other type, it returns an error
// and dst without changes.
func AppendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, codeNull), nil
	case bool:
		if v {
			return append(dst, codeTrue), nil
		}
		return append(dst, codeFalse), nil
	case uint32:
		return appendUint(dst, v), nil
	case uint64:
		return appendUlong(dst, v), nil
	case int32:
		if v >= math.MinInt8 && v <= math.MaxInt8 {
			return append(dst, codeSmallInt, byte(v)), nil //nolint:gosec // two's complement of one byte
		}
	case int64:
		if v >= math.MinInt8 && v <= math.MaxInt8 {
			return append(dst, codeSmallLong, byte(v)), nil //nolint:gosec // two's complement of one byte
		}
	case string:
		return appendVariable(dst, codeStr8, v), nil
	case Symbol:
		return appendVariable(dst, codeSym8, string(v)), nil
	case []byte:
		return appendBinary(dst, v), nil
	case List:
		if len(v) == 0 {
			return append(dst, codeList0), nil
		}
		return appendCompound(dst, codeList8, len(v), v.appendTo)
	case Map:
		return appendCompound(dst, codeMap8, 2*len(v), v.appendTo)
	case Array:
		return appendCompound(dst, codeArray8, len(v.Values), v.appendTo)
	case Described:
		return appendDescribed(dst, v)
	case int:
		return AppendValue(dst, int64(v))
	case time.Time:
		return AppendValue(dst, TimestampOf(v))
	case []string:
		return AppendValue(dst, Strings(v))
	case []Symbol:
		return AppendValue(dst, Symbols(v...))
	}
	return appendWide(dst, v)
}

// appendWide appends v in the widest encoding of its type. All elements of an array have this encoding.
func appendWide(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, codeNull), nil
	case bool:
		b := byte(0)
		if v {
			b = 1
		}
		return append(dst, codeBoolean, b), nil
	case string:
		return append(be.AppendUint32(append(dst, codeStr32), length(v)), v...), nil
	case Symbol:
		return append(be.AppendUint32(append(dst, codeSym32), length(v)), v...), nil
	case []byte:
		return append(be.AppendUint32(append(dst, codeBin32), length(v)), v...), nil
	case List:
		return appendCompound32(dst, codeList32, len(v), v.appendTo)
	case Map:
		return appendCompound32(dst, codeMap32, 2*len(v), v.appendTo)
	case Array:
		return appendCompound32(dst, codeArray32, len(v.Values), v.appendTo)
	}
	return appendFixed(dst, v)
}

// appendFixed appends a value of a type of fixed width, in its full width.
func appendFixed(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case uint8:
		return append(dst, codeUbyte, v), nil
	case int8:
		return append(dst, codeByte, byte(v)), nil //nolint:gosec // two's complement
	case uint16:
		return be.AppendUint16(append(dst, codeUshort), v), nil
	case int16:
		return be.AppendUint16(append(dst, codeShort), uint16(v)), nil //nolint:gosec // two's complement is the format
	case uint32:
		return be.AppendUint32(append(dst, codeUint), v), nil
	case int32:
		return be.AppendUint32(append(dst, codeInt), uint32(v)), nil //nolint:gosec // two's complement is the format
	case uint64:
		return be.AppendUint64(append(dst, codeUlong), v), nil
	case int64:
		return be.AppendUint64(append(dst, codeLong), uint64(v)), nil //nolint:gosec // two's complement is the format
	case float32:
		return be.AppendUint32(append(dst, codeFloat), math.Float32bits(v)), nil
	case float64:
		return be.AppendUint64(append(dst, codeDouble), math.Float64bits(v)), nil
	case Char:
		return be.AppendUint32(append(dst, codeChar), uint32(v)), nil
	case Timestamp:
		return be.AppendUint64(append(dst, codeTimestamp), uint64(v)), nil //nolint:gosec // two's complement is the format
	case UUID:
		return append(append(dst, codeUUID), v[:]...), nil
	case Decimal32:
		return append(append(dst, codeDecimal32), v[:]...), nil
	case Decimal64:
		return append(append(dst, codeDecimal64), v[:]...), nil
	case Decimal128:
		return append(append(dst, codeDecimal128), v[:]...), nil
	}
	return dst, fmt.Errorf("encode AMQP value: no AMQP type for %T", v)
}

func appendUint(dst []byte, v uint32) []byte {
	switch {
	case v == 0:
		return append(dst, codeUint0)
	case v <= math.MaxUint8:
		return append(dst, codeSmallUint, byte(v))
	}
	return be.AppendUint32(append(dst, codeUint), v)
}

func appendUlong(dst []byte, v uint64) []byte {
	switch {
	case v == 0:
		return append(dst, codeUlong0)
	case v <= math.MaxUint8:
		return append(dst, codeSmallUlong, byte(v))
	}
	return be.AppendUint64(append(dst, codeUlong), v)
}

// appendVariable appends a string or symbol. code8 is the constructor for up to 255 bytes. The constructor for more is
// code8 + 0x10.
func appendVariable(dst []byte, code8 byte, v string) []byte {
	if len(v) <= math.MaxUint8 {
		dst = append(dst, code8, byte(len(v))) //nolint:gosec // a length, just bounded
	} else {
		dst = be.AppendUint32(append(dst, code8+0x10), length(v))
	}
	return append(dst, v...)
}

func appendBinary(dst []byte, v []byte) []byte {
	return append(appendBinaryHeader(dst, len(v)), v...)
}

// appendBinaryHeader appends what precedes the n bytes of a binary.
func appendBinaryHeader(dst []byte, n int) []byte {
	if n <= math.MaxUint8 {
		return append(dst, codeBin8, byte(n)) //nolint:gosec // a length, just bounded
	}
	return be.AppendUint32(append(dst, codeBin32), uint32(n)) //nolint:gosec // messages are far below 4 GiB
}

// length returns the length of v in its encoding.
func length[T ~string | ~[]byte](v T) uint32 {
	return uint32(len(v)) //nolint:gosec // messages are far below 4 GiB
}

// appendCompound appends a list, map or array, in the short form if it fits. It writes the content once, leaving room
// for the long header, and moves it if the short header is enough.
func appendCompound(dst []byte, code8 byte, count int, content func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(dst)
	out, err := appendCompound32(dst, code8+0x10, count, content)
	if err != nil {
		return dst, err
	}
	body := out[start+9:]
	if len(body)+1 > math.MaxUint8 || count > math.MaxUint8 {
		return out, nil
	}
	out[start], out[start+1], out[start+2] = code8, byte(len(body)+1), byte(count) //nolint:gosec // just bounded
	n := copy(out[start+3:], body)
	return out[:start+3+n], nil
}

func appendCompound32(dst []byte, code32 byte, count int, content func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(dst)
	out := append(dst, code32, 0, 0, 0, 0)
	out = be.AppendUint32(out, uint32(count)) //nolint:gosec // bounded by the size, far below 4 GiB
	out, err := content(out)
	if err != nil {
		return dst, err
	}
	be.PutUint32(out[start+1:], uint32(len(out)-start-5)) //nolint:gosec // messages are far below 4 GiB
	return out, nil
}

func (l List) appendTo(dst []byte) ([]byte, error) {
	var err error
	for _, v := range l {
		if dst, err = AppendValue(dst, v); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (m Map) appendTo(dst []byte) ([]byte, error) {
	var err error
	for _, p := range m {
		if dst, err = AppendValue(dst, p.Key); err != nil {
			return dst, err
		}
		if dst, err = AppendValue(dst, p.Value); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendTo appends the constructor once, and then the elements without constructors.
func (a Array) appendTo(dst []byte) ([]byte, error) {
	var err error
	if a.Descriptor != nil {
		if dst, err = AppendValue(append(dst, codeDescribed), a.Descriptor); err != nil {
			return dst, err
		}
	}
	dst = append(dst, a.Code)
	for _, v := range a.Values {
		at := len(dst)
		if dst, err = appendWide(dst, v); err != nil {
			return dst, err
		}
		if dst[at] != a.Code {
			return dst, fmt.Errorf("encode AMQP array: %T among elements of type 0x%02x", v, a.Code)
		}
		dst = append(dst[:at], dst[at+1:]...)
	}
	return dst, nil
}

func appendDescribed(dst []byte, d Described) ([]byte, error) {
	out, err := AppendValue(append(dst, codeDescribed), d.Descriptor)
	if err != nil {
		return dst, err
	}
	if out, err = AppendValue(out, d.Value); err != nil {
		return dst, err
	}
	return out, nil
}
