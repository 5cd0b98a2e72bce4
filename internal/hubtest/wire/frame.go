package wire

import "fmt"

// Frame types (part 2, section 2.3.1).
const (
	FrameAMQP byte = 0
	FrameSASL byte = 1
)

// FrameHeaderSize is the size of a frame's header, in bytes.
const FrameHeaderSize = 8

// Frame is a frame. A heartbeat has a nil Body.
type Frame struct {
	Type    byte
	Channel uint16 // 0 in a SASL frame
	Body    Performative
	Payload []byte
}

// FrameSize returns the size of a frame, including its header, from its first four bytes.
func FrameSize(header [4]byte) uint32 { return be.Uint32(header[:]) }

// DecodeFrame decodes one whole frame. Payload, and every binary in Body, alias buf.
func DecodeFrame(buf []byte) (Frame, error) {
	if len(buf) < FrameHeaderSize || uint64(be.Uint32(buf)) != uint64(len(buf)) {
		return Frame{}, malformed("a frame of %d bytes with a wrong size field", len(buf))
	}
	offset := int(buf[4]) * 4
	if offset < FrameHeaderSize || offset > len(buf) {
		return Frame{}, malformed("frame data offset %d", offset)
	}
	f := Frame{Type: buf[5], Channel: be.Uint16(buf[6:])}
	if f.Type > FrameSASL {
		return Frame{}, malformed("frame type %d", f.Type)
	}
	body := buf[offset:]
	if len(body) == 0 {
		return f, nil
	}
	var err error
	f.Body, f.Payload, err = decodePerformative(body)
	return f, err
}

func decodePerformative(buf []byte) (Performative, []byte, error) {
	v, rest, err := ReadValue(buf)
	if err != nil {
		return nil, nil, err
	}
	d, ok := v.(Described)
	if !ok {
		return nil, nil, malformed("a frame body that is no performative")
	}
	code, _ := d.Descriptor.(uint64)
	p := newPerformative(code)
	list, ok := d.Value.(List)
	if p == nil || !ok {
		return nil, nil, malformed("unknown performative %v", d.Descriptor)
	}
	if err := setFields(p, list); err != nil {
		return nil, nil, err
	}
	return p, rest, nil
}

// AppendFrame appends f, including its payload.
func AppendFrame(dst []byte, f Frame) ([]byte, error) {
	start := len(dst)
	out := be.AppendUint16(append(dst, 0, 0, 0, 0, 2, f.Type), f.Channel)
	if f.Body != nil {
		var err error
		if out, err = appendComposite(out, f.Body); err != nil {
			return dst, fmt.Errorf("encode frame: %w", err)
		}
	}
	out = append(out, f.Payload...)
	be.PutUint32(out[start:], uint32(len(out)-start)) //nolint:gosec // bounded by the peer's max-frame-size
	return out, nil
}

// MaxTransferHeader is how many bytes AppendTransferHeader appends at most.
const MaxTransferHeader = FrameHeaderSize + 32

// AppendTransferHeader appends a pre-settled transfer frame without its payload of n bytes. The caller writes the
// payload after it, so that it is never copied. It appends the same as AppendFrame for a tenth of the work. Only the
// first frame of a message has the delivery id and the tag made of it.
func AppendTransferHeader(dst []byte, channel uint16, handle, deliveryID uint32, first, more bool, n int) []byte {
	start := len(dst)
	out := be.AppendUint16(append(dst, 0, 0, 0, 0, 2, FrameAMQP), channel)
	out = append(out, codeDescribed, codeSmallUlong, 0x14, codeList8, 0, 6)
	list := len(out) - 2 // the size counts the bytes after itself
	out = appendUint(out, handle)
	if first {
		out = be.AppendUint32(append(out, codeUint), deliveryID)
		out = be.AppendUint32(append(out, codeBin8, 4), deliveryID)
		out = append(out, codeUint0) // message format 0
	} else {
		out = append(out, codeNull, codeNull, codeNull)
	}
	out = append(out, codeTrue) // settled
	if more {
		out = append(out, codeTrue)
	} else {
		out = append(out, codeFalse)
	}
	out[list] = byte(len(out) - list - 1)               //nolint:gosec // the fields above, below MaxTransferHeader
	be.PutUint32(out[start:], uint32(len(out)-start+n)) //nolint:gosec // bounded by the peer's max-frame-size
	return out
}
