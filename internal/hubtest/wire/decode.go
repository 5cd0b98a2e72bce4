package wire

import "math"

// Limits of decoding, so that a few hostile bytes cannot use much memory or stack.
const (
	// maxDepth is how deeply values may be nested. Clients of Event Hubs nest less than ten deep.
	maxDepth = 64
	// maxZeroWidth is how many array elements without bytes (null, true, 0, …) one decoding may have in all. Without
	// it, an array of twelve bytes could claim four thousand million of them.
	maxZeroWidth = 1024
)

// ReadValue decodes the value at the start of buf, and returns the rest of buf.
func ReadValue(buf []byte) (v any, rest []byte, err error) {
	d := decoder{buf: buf, zeroWidth: maxZeroWidth}
	v, err = d.value(maxDepth)
	return v, d.buf, err
}

// decoder decodes values from the front of buf.
type decoder struct {
	buf       []byte
	zeroWidth int
}

func (d *decoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.buf)) {
		return nil, malformed("%d bytes wanted, %d there", n, len(d.buf))
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b, nil
}

func (d *decoder) code() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (d *decoder) value(depth int) (any, error) {
	if depth == 0 {
		return nil, malformed("nested deeper than %d", maxDepth)
	}
	code, err := d.code()
	if err != nil {
		return nil, err
	}
	if code != codeDescribed {
		return d.payload(code, depth)
	}
	descriptor, err := d.value(depth - 1)
	if err != nil {
		return nil, err
	}
	v, err := d.value(depth - 1)
	if err != nil {
		return nil, err
	}
	return Described{Descriptor: descriptor, Value: v}, nil
}

// payload decodes what follows a constructor. The upper half of the code is the width (part 1, section 1.2).
func (d *decoder) payload(code byte, depth int) (any, error) {
	switch code >> 4 {
	case 0x4:
		return zeroWidth(code)
	case 0x5, 0x6, 0x7, 0x8, 0x9:
		b, err := d.take(1 << (code>>4 - 5))
		if err != nil {
			return nil, err
		}
		return fixed(code, b)
	case 0xa, 0xb:
		n, err := d.size(code >= 0xb0)
		if err != nil {
			return nil, err
		}
		b, err := d.take(n)
		if err != nil {
			return nil, err
		}
		return variable(code, b)
	case 0xc, 0xd, 0xe, 0xf:
		return d.compound(code, depth)
	}
	return nil, malformed("unknown constructor 0x%02x", code)
}

// size reads a size or count of one byte, or of four bytes if wide is true.
func (d *decoder) size(wide bool) (uint64, error) {
	if !wide {
		b, err := d.take(1)
		if err != nil {
			return 0, err
		}
		return uint64(b[0]), nil
	}
	b, err := d.take(4)
	if err != nil {
		return 0, err
	}
	return uint64(be.Uint32(b)), nil
}

func zeroWidth(code byte) (any, error) {
	switch code {
	case codeNull:
		return nil, nil
	case codeTrue:
		return true, nil
	case codeFalse:
		return false, nil
	case codeUint0:
		return uint32(0), nil
	case codeUlong0:
		return uint64(0), nil
	case codeList0:
		return List{}, nil
	}
	return nil, malformed("unknown constructor 0x%02x", code)
}

// fixed decodes the types of a fixed width. b has that width.
func fixed(code byte, b []byte) (any, error) {
	switch code {
	case codeBoolean:
		if b[0] > 1 {
			return nil, malformed("boolean 0x%02x", b[0])
		}
		return b[0] == 1, nil
	case codeUbyte:
		return b[0], nil
	case codeByte:
		return int8(b[0]), nil //nolint:gosec // two's complement is the format
	case codeSmallUint:
		return uint32(b[0]), nil
	case codeSmallUlong:
		return uint64(b[0]), nil
	case codeSmallInt:
		return int32(int8(b[0])), nil //nolint:gosec // two's complement is the format
	case codeSmallLong:
		return int64(int8(b[0])), nil //nolint:gosec // two's complement is the format
	case codeUshort:
		return be.Uint16(b), nil
	case codeShort:
		return int16(be.Uint16(b)), nil //nolint:gosec // two's complement is the format
	case codeUint:
		return be.Uint32(b), nil
	case codeInt:
		return int32(be.Uint32(b)), nil //nolint:gosec // two's complement is the format
	case codeFloat:
		return math.Float32frombits(be.Uint32(b)), nil
	case codeChar:
		return Char(be.Uint32(b)), nil
	}
	return fixedWide(code, b)
}

func fixedWide(code byte, b []byte) (any, error) {
	switch code {
	case codeDecimal32:
		return Decimal32(b), nil
	case codeUlong:
		return be.Uint64(b), nil
	case codeLong:
		return int64(be.Uint64(b)), nil //nolint:gosec // two's complement is the format
	case codeDouble:
		return math.Float64frombits(be.Uint64(b)), nil
	case codeTimestamp:
		return Timestamp(be.Uint64(b)), nil //nolint:gosec // two's complement is the format
	case codeDecimal64:
		return Decimal64(b), nil
	case codeDecimal128:
		return Decimal128(b), nil
	case codeUUID:
		return UUID(b), nil
	}
	return nil, malformed("unknown constructor 0x%02x", code)
}

func variable(code byte, b []byte) (any, error) {
	switch code {
	case codeBin8, codeBin32:
		return b, nil
	case codeStr8, codeStr32:
		return string(b), nil
	case codeSym8, codeSym32:
		return Symbol(b), nil
	}
	return nil, malformed("unknown constructor 0x%02x", code)
}
