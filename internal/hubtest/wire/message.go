package wire

import "fmt"

// Message is an AMQP message (part 3, section 3.2). A valid message has only one kind of Data, Sequence and Value. A
// message with none of them can be encoded and decoded too, because such messages occur.
type Message struct {
	Header                *Header
	DeliveryAnnotations   Map
	Annotations           Map
	Properties            *Properties
	ApplicationProperties Map
	Data                  [][]byte
	Sequence              []List
	Value                 any
	// HasValue says that there is a value section, even if Value is nil, which is AMQP's null.
	HasValue bool
	Footer   Map
}

// Header says how intermediaries should treat the message.
type Header struct {
	Durable       bool
	Priority      *uint8
	TTL           *uint32 // milliseconds
	FirstAcquirer bool
	DeliveryCount *uint32
}

func (*Header) code() uint64 { return 0x70 }
func (h *Header) fields() []any {
	return []any{&h.Durable, &h.Priority, &h.TTL, &h.FirstAcquirer, &h.DeliveryCount}
}

// Properties are the message's standard properties.
type Properties struct {
	MessageID          any
	UserID             []byte
	To                 any
	Subject            string
	ReplyTo            any
	CorrelationID      any
	ContentType        Symbol
	ContentEncoding    Symbol
	AbsoluteExpiryTime Timestamp
	CreationTime       Timestamp
	GroupID            string
	GroupSequence      *uint32
	ReplyToGroupID     string
}

func (*Properties) code() uint64 { return 0x73 }
func (p *Properties) fields() []any {
	return []any{&p.MessageID, &p.UserID, &p.To, &p.Subject, &p.ReplyTo, &p.CorrelationID, &p.ContentType, &p.ContentEncoding,
		&p.AbsoluteExpiryTime, &p.CreationTime, &p.GroupID, &p.GroupSequence, &p.ReplyToGroupID}
}

// Section descriptors (part 3, section 3.2).
const (
	sectionHeader                = 0x70
	sectionDeliveryAnnotations   = 0x71
	sectionAnnotations           = 0x72
	sectionProperties            = 0x73
	sectionApplicationProperties = 0x74
	sectionData                  = 0x75
	sectionSequence              = 0x76
	sectionValue                 = 0x77
	sectionFooter                = 0x78
)

// DecodeMessage decodes a whole message. Data aliases buf.
func DecodeMessage(buf []byte) (*Message, error) {
	m := new(Message)
	d := decoder{buf: buf, zeroWidth: maxZeroWidth}
	for len(d.buf) != 0 {
		v, err := d.value(maxDepth)
		if err != nil {
			return nil, fmt.Errorf("decode message: %w", err)
		}
		section, ok := v.(Described)
		if !ok {
			return nil, fmt.Errorf("decode message: %w", malformed("a %T where a section belongs", v))
		}
		if err := m.set(section); err != nil {
			return nil, fmt.Errorf("decode message: %w", err)
		}
	}
	return m, nil
}

func (m *Message) set(section Described) error {
	code, _ := section.Descriptor.(uint64)
	ok := true
	switch code {
	case sectionHeader:
		m.Header = new(Header)
		return setNested(m.Header, section)
	case sectionDeliveryAnnotations:
		m.DeliveryAnnotations, ok = section.Value.(Map)
	case sectionAnnotations:
		m.Annotations, ok = section.Value.(Map)
	case sectionProperties:
		m.Properties = new(Properties)
		return setNested(m.Properties, section)
	case sectionApplicationProperties:
		m.ApplicationProperties, ok = section.Value.(Map)
	case sectionData:
		var b []byte
		b, ok = section.Value.([]byte)
		m.Data = append(m.Data, b)
	case sectionSequence:
		var l List
		l, ok = section.Value.(List)
		m.Sequence = append(m.Sequence, l)
	case sectionValue:
		m.Value, m.HasValue = section.Value, true
	case sectionFooter:
		m.Footer, ok = section.Value.(Map)
	default:
		return malformed("unknown section %v", section.Descriptor)
	}
	if !ok {
		return malformed("a %T in section 0x%02x", section.Value, code)
	}
	return nil
}

// AppendMessage appends m.
func AppendMessage(dst []byte, m *Message) ([]byte, error) {
	out, err := AppendMessageHead(dst, m)
	if err != nil {
		return dst, err
	}
	for _, b := range m.Data {
		out = append(AppendDataHeader(out, len(b)), b...)
	}
	for _, l := range m.Sequence {
		if out, err = appendSection(out, sectionSequence, l); err != nil {
			return dst, err
		}
	}
	if m.HasValue {
		if out, err = appendSection(out, sectionValue, m.Value); err != nil {
			return dst, err
		}
	}
	if len(m.Footer) != 0 {
		if out, err = appendSection(out, sectionFooter, m.Footer); err != nil {
			return dst, err
		}
	}
	return out, nil
}

// AppendMessageHead appends the sections of m that precede its body.
func AppendMessageHead(dst []byte, m *Message) ([]byte, error) {
	out := dst
	var err error
	if m.Header != nil {
		if out, err = appendComposite(out, m.Header); err != nil {
			return dst, fmt.Errorf("encode message: %w", err)
		}
	}
	if out, err = appendMapSection(out, sectionDeliveryAnnotations, m.DeliveryAnnotations); err != nil {
		return dst, err
	}
	if out, err = appendMapSection(out, sectionAnnotations, m.Annotations); err != nil {
		return dst, err
	}
	if m.Properties != nil {
		if out, err = appendComposite(out, m.Properties); err != nil {
			return dst, fmt.Errorf("encode message: %w", err)
		}
	}
	if out, err = appendMapSection(out, sectionApplicationProperties, m.ApplicationProperties); err != nil {
		return dst, err
	}
	return out, nil
}

// AppendDataHeader appends what precedes the n bytes of a data section.
func AppendDataHeader(dst []byte, n int) []byte {
	return appendBinaryHeader(append(dst, codeDescribed, codeSmallUlong, sectionData), n)
}

func appendMapSection(dst []byte, code uint64, m Map) ([]byte, error) {
	if len(m) == 0 {
		return dst, nil
	}
	return appendSection(dst, code, m)
}

func appendSection(dst []byte, code uint64, v any) ([]byte, error) {
	out, err := AppendValue(dst, Described{Descriptor: code, Value: v})
	if err != nil {
		return dst, fmt.Errorf("encode message: %w", err)
	}
	return out, nil
}
