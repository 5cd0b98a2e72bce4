package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func messages() map[string]*Message {
	return map[string]*Message{
		"nothing": {},
		"all before the body": {
			Header:              &Header{Durable: true, Priority: p(uint8(1)), TTL: p(uint32(2)), FirstAcquirer: true, DeliveryCount: p(uint32(3))},
			DeliveryAnnotations: Map{{Symbol("d"), int64(1)}},
			Annotations:         Map{{Symbol("x-opt-offset"), "12"}},
			Properties: &Properties{MessageID: "m", UserID: []byte("u"), To: "t", Subject: "s", ReplyTo: "r", CorrelationID: uint64(9),
				ContentType: "text/plain", ContentEncoding: "gzip", AbsoluteExpiryTime: 5, CreationTime: 6, GroupID: "g",
				GroupSequence: p(uint32(7)), ReplyToGroupID: "rg"},
			ApplicationProperties: Map{{"k", "v"}},
			Data:                  [][]byte{[]byte("body")},
			Footer:                Map{{Symbol("f"), true}},
		},
		"several data sections": {Data: [][]byte{[]byte("a"), {}, make([]byte, 300)}},
		"sequences":             {Sequence: []List{{"a", nil}, {}}},
		"value":                 {Value: "text", HasValue: true},
		"null value":            {HasValue: true},
	}
}

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			b, err := AppendMessage(nil, m)
			require.NoError(t, err)
			got, err := DecodeMessage(b)
			require.NoError(t, err)
			require.Equal(t, m, got)
		})
	}
}

func TestHeadAndDataHeaderMakeAMessage(t *testing.T) {
	m := messages()["all before the body"]
	m.Footer = nil
	whole, err := AppendMessage(nil, m)
	require.NoError(t, err)
	head, err := AppendMessageHead(nil, m)
	require.NoError(t, err)
	require.Equal(t, whole, append(AppendDataHeader(head, len(m.Data[0])), m.Data[0]...))
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	for name, in := range map[string]string{
		"no section":              "\x40",
		"cut":                     "\x00\x53\x75\xa0\x05ab",
		"unknown section":         "\x00\x53\x79\x40",
		"data that is no binary":  "\x00\x53\x75\x40",
		"sequence of no list":     "\x00\x53\x76\x40",
		"annotations of no map":   "\x00\x53\x72\x45",
		"properties of no list":   "\x00\x53\x73\x40",
		"header of another type":  "\x00\x53\x70\xc0\x04\x01\xa1\x01a",
		"footer that is no map":   "\x00\x53\x78\x45",
		"application data string": "\x00\x53\x74\xa1\x00",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeMessage([]byte(in))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func TestAMessageThatCannotBeEncodedIsAnError(t *testing.T) {
	odd := Map{{Symbol("k"), struct{}{}}}
	for name, m := range map[string]*Message{
		"delivery annotations":   {DeliveryAnnotations: odd},
		"annotations":            {Annotations: odd},
		"properties":             {Properties: &Properties{MessageID: struct{}{}}},
		"application properties": {ApplicationProperties: odd},
		"sequence":               {Sequence: []List{{struct{}{}}}},
		"value":                  {Value: struct{}{}, HasValue: true},
		"footer":                 {Footer: odd},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := AppendMessage([]byte("before"), m)
			require.ErrorContains(t, err, "encode message")
			require.Equal(t, "before", string(got))
		})
	}
}
