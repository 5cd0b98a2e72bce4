package jsonscan

import "slices"

// The edits change a copy of the text.

// Closed returns the longest part of a cut object that holds only whole values, and adds the missing closing
// brackets.
func (o *Object) Closed() *Object {
	text := slices.Clone(o.text[:o.wholeEnd])
	for _, closing := range slices.Backward(o.open) {
		text = append(text, closing)
	}
	closed := &Object{text: text, members: slices.Clone(o.members), wholeEnd: len(text)}
	if len(o.open) > 1 { // the cut was inside a member, which is whole now
		last := o.current
		last.end = len(text) - 1
		closed.members = append(closed.members, last)
	}
	return closed
}

// Set replaces the value of the object's first member with the key, or adds the member at the end if there is none.
// The object must be whole, value must be JSON, and the key must need no escape.
func (o *Object) Set(key, value string) {
	at := slices.IndexFunc(o.members, func(m member) bool { return m.key == key })
	if at < 0 {
		o.add(key, value)
		return
	}
	changed := &o.members[at]
	growth := len(value) - (changed.end - changed.value)
	o.text = slices.Concat(o.text[:changed.value], []byte(value), o.text[changed.end:])
	changed.end += growth
	for i := range o.members[at+1:] {
		later := &o.members[at+1+i]
		later.start, later.value, later.end = later.start+growth, later.value+growth, later.end+growth
	}
	o.wholeEnd += growth
}

// SetIn sets a member of the object in the first member with the key. It adds that object if there is none, and
// replaces a value that is not an object.
func (o *Object) SetIn(key, member, value string) {
	inner := o.ObjectOf(key)
	inner.Set(member, value)
	o.Set(key, string(inner.Text()))
}

// add adds a member at the end of the object.
func (o *Object) add(key, value string) {
	separator := ""
	if len(o.members) > 0 {
		separator = ","
	}
	name := `"` + key + `":`
	bracket := o.wholeEnd - 1 // the offset of the closing bracket
	o.text = slices.Concat(o.text[:bracket], []byte(separator+name+value), o.text[bracket:])
	start := bracket + len(separator)
	added := member{key: key, start: start, value: start + len(name), end: start + len(name) + len(value)}
	o.members = append(o.members, added)
	o.wholeEnd = added.end + 1
}

// Without returns the text of the object without its members with the key.
func (o *Object) Without(key string) []byte {
	if !o.Has(key) {
		return o.text
	}
	rest := append(make([]byte, 0, len(o.text)), o.text[:o.members[0].start]...)
	separator := ""
	for _, m := range o.members {
		if m.key != key {
			rest = append(append(rest, separator...), o.text[m.start:m.end]...)
			separator = ","
		}
	}
	return append(rest, o.text[o.members[len(o.members)-1].end:]...)
}
