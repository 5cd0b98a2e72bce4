package wire

import (
	"bytes"
	"testing"
)

// Both targets check that decoding never panics, and that what it takes is encoded into something that
// is taken again and means the same. Meanings are compared by their encoding, which is the same for
// equal values and, other than ==, for NaN too.

func FuzzDecodeFrame(f *testing.F) {
	for _, frame := range performatives() {
		b, err := AppendFrame(nil, frame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		frame, err := DecodeFrame(in)
		if err != nil {
			return
		}
		once, err := AppendFrame(nil, frame)
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		again, err := DecodeFrame(once)
		if err != nil {
			t.Fatalf("encoded, but not decoded: %v\n%x", err, once)
		}
		twice, err := AppendFrame(nil, again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("came back different: %v\n%x\n%x", err, once, twice)
		}
		if frame.Channel != again.Channel || frame.Type != again.Type || !bytes.Equal(frame.Payload, again.Payload) {
			t.Fatalf("came back different: %+v\n%+v", frame, again)
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	for _, m := range messages() {
		b, err := AppendMessage(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\x00\x53\x77\xe0\x04\x02\x52\x01\x02"))
	f.Add([]byte("\x00\x53\x77\xe0\x06\x01\x00\x53\x05\x56\x01"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := DecodeMessage(in)
		if err != nil {
			return
		}
		once, err := AppendMessage(nil, m)
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		again, err := DecodeMessage(once)
		if err != nil {
			t.Fatalf("encoded, but not decoded: %v\n%x", err, once)
		}
		twice, err := AppendMessage(nil, again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("came back different: %v\n%x\n%x", err, once, twice)
		}
	})
}
