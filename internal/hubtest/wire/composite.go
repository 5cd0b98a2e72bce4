package wire

import "fmt"

// composite is a described list with named fields: a performative, a terminus, an error or a section.
type composite interface {
	// code is the numeric descriptor.
	code() uint64
	// fields returns pointers to the fields in the order of the specification, for reading and for writing. setField
	// lists the types that they may point to.
	fields() []any
}

// Role is the role of a link's end: true is the receiver. Unlike other booleans, it has no default, and is always
// written.
type Role bool

// The roles of a link's ends.
const (
	RoleSender   Role = false
	RoleReceiver Role = true
)

// appendComposite appends c without the unset fields at its end.
func appendComposite(dst []byte, c composite) ([]byte, error) {
	d, err := describe(c)
	if err != nil {
		return dst, err
	}
	return AppendValue(dst, d)
}

// describe returns a composite as the described value that is written.
func describe(c composite) (Described, error) {
	ptrs := c.fields()
	list := make(List, 0, len(ptrs))
	last := 0
	for _, p := range ptrs {
		v, err := fieldValue(p)
		if err != nil {
			return Described{}, err
		}
		list = append(list, v)
		if v != nil {
			last = len(list)
		}
	}
	return Described{Descriptor: c.code(), Value: list[:last]}, nil
}

// fieldValue returns the AMQP value of the field that p points to, or nil if the field is not set.
func fieldValue(p any) (any, error) {
	switch p := p.(type) {
	case *string:
		return orNull(*p, *p != ""), nil
	case *Symbol:
		return orNull(*p, *p != ""), nil
	case *bool:
		return orNull(true, *p), nil
	case *Role:
		return bool(*p), nil
	case *uint32:
		return *p, nil
	case *uint64:
		return orNull(*p, *p != 0), nil
	case **uint8:
		return deref(*p), nil
	case **uint16:
		return deref(*p), nil
	case **uint32:
		return deref(*p), nil
	case *Timestamp:
		return orNull(*p, *p != 0), nil
	case *[]byte:
		return orNull(*p, *p != nil), nil
	case *Map:
		return orNull(*p, len(*p) != 0), nil
	case *any:
		return *p, nil
	case **Source:
		return describeSet(*p, *p != nil)
	case **Target:
		return describeSet(*p, *p != nil)
	case **Error:
		return describeSet(*p, *p != nil)
	}
	return nil, fmt.Errorf("encode AMQP composite: no field of type %T", p)
}

func orNull(v any, set bool) any {
	if set {
		return v
	}
	return nil
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func describeSet[C composite](c C, set bool) (any, error) {
	if !set {
		return nil, nil
	}
	return describe(c)
}

// setFields sets the fields of c from the list of a described value.
func setFields(c composite, list List) error {
	ptrs := c.fields()
	if len(list) > len(ptrs) {
		return malformed("%d fields where 0x%02x has %d", len(list), c.code(), len(ptrs))
	}
	for i, v := range list {
		if v == nil {
			continue
		}
		if err := setField(ptrs[i], v); err != nil {
			return fmt.Errorf("field %d of 0x%02x: %w", i, c.code(), err)
		}
	}
	return nil
}

// setField sets the field that p points to. v is not nil.
func setField(p, v any) error {
	ok := true
	switch p := p.(type) {
	case *string:
		*p, ok = v.(string)
	case *Symbol:
		*p, ok = v.(Symbol)
	case *bool:
		*p, ok = v.(bool)
	case *Role:
		var b bool
		b, ok = v.(bool)
		*p = Role(b)
	case *uint32:
		*p, ok = v.(uint32)
	case *uint64:
		*p, ok = v.(uint64)
	case **uint8:
		ok = setPointer(p, v)
	case **uint16:
		ok = setPointer(p, v)
	case **uint32:
		ok = setPointer(p, v)
	case *Timestamp:
		*p, ok = v.(Timestamp)
	case *[]byte:
		*p, ok = v.([]byte)
	case *Map:
		*p, ok = v.(Map)
	case *any:
		*p = v
	case **Source:
		*p = new(Source)
		return setNested(*p, v)
	case **Target:
		*p = new(Target)
		return setNested(*p, v)
	case **Error:
		*p = new(Error)
		return setNested(*p, v)
	}
	if !ok {
		return malformed("a %T where a %T belongs", v, p)
	}
	return nil
}

func setPointer[T any](p **T, v any) bool {
	x, ok := v.(T)
	*p = &x
	return ok
}

func setNested(c composite, v any) error {
	d, ok := v.(Described)
	if !ok || d.Descriptor != c.code() {
		return malformed("no 0x%02x", c.code())
	}
	list, ok := d.Value.(List)
	if !ok {
		return malformed("0x%02x is no list", c.code())
	}
	return setFields(c, list)
}
