package wire

// compound decodes a list, map or array. Its content must fill its size exactly.
func (d *decoder) compound(code byte, depth int) (any, error) {
	wide := code>>4&1 == 1
	size, err := d.size(wide)
	if err != nil {
		return nil, err
	}
	content, err := d.take(size)
	if err != nil {
		return nil, err
	}
	in := decoder{buf: content, zeroWidth: d.zeroWidth}
	count, err := in.size(wide)
	if err != nil {
		return nil, err
	}
	v, err := in.elements(code, count, depth)
	if err != nil {
		return nil, err
	}
	if len(in.buf) != 0 {
		return nil, malformed("%d bytes left over in a compound", len(in.buf))
	}
	d.zeroWidth = in.zeroWidth
	return v, nil
}

func (d *decoder) elements(code byte, count uint64, depth int) (any, error) {
	switch code {
	case codeList8, codeList32:
		l, err := d.list(count, depth)
		return List(l), err
	case codeMap8, codeMap32:
		return d.mapping(count, depth)
	case codeArray8, codeArray32:
		return d.array(count, depth)
	}
	return nil, malformed("unknown constructor 0x%02x", code)
}

func (d *decoder) list(count uint64, depth int) ([]any, error) {
	if count > uint64(len(d.buf)) { // each element takes at least one byte
		return nil, malformed("%d elements in %d bytes", count, len(d.buf))
	}
	l := make([]any, 0, count)
	for range count {
		v, err := d.value(depth - 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, nil
}

func (d *decoder) mapping(count uint64, depth int) (any, error) {
	if count%2 != 0 {
		return nil, malformed("a map of %d keys and values", count)
	}
	l, err := d.list(count, depth)
	if err != nil {
		return nil, err
	}
	m := make(Map, 0, count/2)
	for i := 0; i < len(l); i += 2 {
		m = append(m, Pair{Key: l[i], Value: l[i+1]})
	}
	return m, nil
}

func (d *decoder) array(count uint64, depth int) (any, error) {
	var a Array
	code, err := d.code()
	if err != nil {
		return nil, err
	}
	if code == codeDescribed {
		if a.Descriptor, err = d.value(depth - 1); err != nil {
			return nil, err
		}
		if code, err = d.code(); err != nil {
			return nil, err
		}
		if a.Descriptor == nil || code == codeDescribed {
			return nil, malformed("an array described by null or twice")
		}
	}
	a.Code = widest(code)
	if err := d.admit(code, count); err != nil {
		return nil, err
	}
	if depth <= 1 {
		return nil, malformed("nested deeper than %d", maxDepth)
	}
	a.Values = make([]any, 0, count)
	for range count {
		v, err := d.payload(code, depth-1)
		if err != nil {
			return nil, err
		}
		a.Values = append(a.Values, v)
	}
	return a, nil
}

// admit checks whether an array can have count elements, before memory is allocated for them.
func (d *decoder) admit(code byte, count uint64) error {
	if code>>4 != 0x4 {
		if count > uint64(len(d.buf)) {
			return malformed("%d elements in %d bytes", count, len(d.buf))
		}
		if count == 0 {
			// An empty array keeps the code, so the code must be known.
			return knownCode(code)
		}
		return nil
	}
	if count > uint64(d.zeroWidth) { //nolint:gosec // never negative
		return malformed("%d elements of no width", count)
	}
	d.zeroWidth -= int(count) //nolint:gosec // just compared
	return knownCode(code)
}

func knownCode(code byte) error {
	var zeros [16]byte
	var err error
	switch w := code >> 4; {
	case w == 0x4:
		_, err = zeroWidth(code)
	case w >= 0x5 && w <= 0x9:
		_, err = fixed(code, zeros[:1<<(w-5)])
	case w == 0xa || w == 0xb:
		_, err = variable(code, nil)
	case widest(code) == codeList32 || widest(code) == codeMap32 || widest(code) == codeArray32:
	default:
		err = malformed("unknown constructor 0x%02x", code)
	}
	return err
}
