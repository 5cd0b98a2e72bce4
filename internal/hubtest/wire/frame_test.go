package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func p[T any](v T) *T { return &v }

// performatives has one of each kind with as many fields set as there are.
func performatives() map[string]Frame {
	source := &Source{Address: "a", Durable: p(uint32(1)), ExpiryPolicy: "never", Timeout: p(uint32(2)), Dynamic: true,
		DynamicNodeProperties: Map{{Symbol("k"), "v"}}, DistributionMode: "copy", Filter: Map{{Symbol("f"), Described{uint64(1), "x"}}},
		DefaultOutcome: Accepted(), Outcomes: Symbols("o"), Capabilities: Symbol("c")}
	target := &Target{Address: "b", Durable: p(uint32(1)), ExpiryPolicy: "never", Timeout: p(uint32(2)), Dynamic: true,
		DynamicNodeProperties: Map{{Symbol("k"), "v"}}, Capabilities: Symbol("c")}
	why := &Error{Condition: "amqp:internal-error", Description: "d", Info: Map{{Symbol("k"), "v"}}}
	return map[string]Frame{
		"heartbeat": {Payload: []byte{}},
		"open": {Body: &Open{ContainerID: "c", Hostname: "h", MaxFrameSize: p(uint32(512)), ChannelMax: p(uint16(3)),
			IdleTimeOut: p(uint32(1000)), Properties: Map{{Symbol("k"), "v"}}}},
		"begin": {Channel: 300, Body: &Begin{RemoteChannel: p(uint16(0)), NextOutgoingID: 1, IncomingWindow: 2, OutgoingWindow: 3, HandleMax: p(uint32(4))}},
		"attach": {Channel: 1, Body: &Attach{Name: "n", Handle: 5, Role: RoleReceiver, SenderSettleMode: p(uint8(1)), ReceiverSettleMode: p(uint8(0)),
			Source: source, Target: target, Unsettled: Map{{[]byte{1}, nil}}, IncompleteUnsettled: true, InitialDeliveryCount: p(uint32(0)),
			MaxMessageSize: 1 << 20, Properties: Map{{Symbol("com.microsoft:epoch"), int64(0)}}}},
		"attach of nothing": {Channel: 1, Body: &Attach{Name: "n", Role: RoleSender}},
		"flow": {Channel: 1, Body: &Flow{NextIncomingID: p(uint32(1)), IncomingWindow: 2, NextOutgoingID: 3, OutgoingWindow: 4, Handle: p(uint32(5)),
			DeliveryCount: p(uint32(6)), LinkCredit: p(uint32(7)), Available: p(uint32(8)), Drain: true, Echo: true}},
		"transfer": {Channel: 1, Body: &Transfer{Handle: 1, DeliveryID: p(uint32(2)), DeliveryTag: []byte{}, MessageFormat: p(uint32(0x80013700)),
			Settled: true, More: true, ReceiverSettleMode: p(uint8(1)), State: Accepted(), Resume: true, Aborted: true, Batchable: true},
			Payload: []byte("payload")},
		"disposition":     {Channel: 1, Body: &Disposition{Role: RoleReceiver, First: 1, Last: p(uint32(2)), Settled: true, State: Rejected("c", "d"), Batchable: true}},
		"detach":          {Channel: 1, Body: &Detach{Handle: 1, Closed: true, Error: why}},
		"end":             {Channel: 1, Body: &End{Error: why}},
		"close":           {Body: &Close{}},
		"sasl mechanisms": {Type: FrameSASL, Body: &SASLMechanisms{Mechanisms: Symbols("PLAIN")}},
		"sasl init":       {Type: FrameSASL, Body: &SASLInit{Mechanism: "PLAIN", InitialResponse: []byte("\x00u\x00p"), Hostname: "h"}},
		"sasl outcome":    {Type: FrameSASL, Body: &SASLOutcome{Code: p(uint8(0)), AdditionalData: []byte("a")}},
	}
}

func TestFramesComeBackAsTheyWere(t *testing.T) {
	for name, f := range performatives() {
		t.Run(name, func(t *testing.T) {
			b, err := AppendFrame([]byte("before"), f)
			require.NoError(t, err)
			b = b[len("before"):]
			require.Equal(t, uint32(len(b)), FrameSize([4]byte(b)))
			got, err := DecodeFrame(b)
			require.NoError(t, err)
			if f.Payload == nil {
				f.Payload = []byte{}
			}
			if got.Payload == nil {
				got.Payload = []byte{}
			}
			require.Equal(t, f, got)
		})
	}
}

func TestAnOpenIsEncodedAsSpecified(t *testing.T) {
	b, err := AppendFrame(nil, Frame{Channel: 1, Body: &Open{ContainerID: "c", MaxFrameSize: p(uint32(512))}})
	require.NoError(t, err)
	// Size, data offset, type, channel; described ulong 0x10; a list of three, the hostname null.
	require.Equal(t, "\x00\x00\x00\x17\x02\x00\x00\x01"+"\x00\x53\x10"+"\xc0\x0a\x03"+"\xa1\x01c"+"\x40"+"\x70\x00\x00\x02\x00", string(b))
}

func TestATransferHeaderSaysWhatTheFrameWould(t *testing.T) {
	for _, tc := range []struct {
		name        string
		first, more bool
		handle, id  uint32
	}{
		{"single", true, false, 0, 0},
		{"first of several", true, true, 300, 70000},
		{"in between", false, true, 5, 1},
		{"last", false, false, 5, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := AppendTransferHeader(nil, 9, tc.handle, tc.id, tc.first, tc.more, 4)
			require.LessOrEqual(t, len(b), MaxTransferHeader)
			got, err := DecodeFrame(append(b, "data"...))
			require.NoError(t, err)
			want := &Transfer{Handle: tc.handle, Settled: true, More: tc.more}
			if tc.first {
				want.DeliveryID, want.DeliveryTag, want.MessageFormat = &tc.id, be.AppendUint32(nil, tc.id), p(uint32(0))
			}
			require.Equal(t, Frame{Channel: 9, Body: want, Payload: []byte("data")}, got)
		})
	}
}

func TestMalformedFramesAreRefused(t *testing.T) {
	for name, in := range map[string]string{
		"too short":                  "\x00\x00\x00\x04",
		"another size":               "\x00\x00\x00\x09\x02\x00\x00\x00",
		"data offset in the header":  "\x00\x00\x00\x08\x01\x00\x00\x00",
		"data offset behind the end": "\x00\x00\x00\x08\x03\x00\x00\x00",
		"unknown type":               "\x00\x00\x00\x08\x02\x02\x00\x00",
		"body that is no described":  "\x00\x00\x00\x09\x02\x00\x00\x00\x40",
		"unknown performative":       "\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x99\x45",
		"performative of no list":    "\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x10\x40",
		"too many fields":            "\x00\x00\x00\x10\x02\x00\x00\x00\x00\x53\x17\xc0\x03\x02\x40\x40",
		"field of another type":      "\x00\x00\x00\x0f\x02\x00\x00\x00\x00\x53\x10\xc0\x02\x01\x41",
		"error that is none":         "\x00\x00\x00\x0f\x02\x00\x00\x00\x00\x53\x17\xc0\x02\x01\x41",
		"error of no list":           "\x00\x00\x00\x12\x02\x00\x00\x00\x00\x53\x17\xc0\x05\x01\x00\x53\x1d\x40",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeFrame([]byte(in))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func TestAFrameThatCannotBeEncodedIsAnError(t *testing.T) {
	_, err := AppendFrame(nil, Frame{Body: &Open{Properties: Map{{Symbol("k"), struct{}{}}}}})
	require.ErrorContains(t, err, "encode frame")
}
