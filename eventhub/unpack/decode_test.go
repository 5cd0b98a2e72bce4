package unpack

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAGzipBodyIsUnpacked(t *testing.T) {
	plain := eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")))
	packed := eventhubtest.Gzipped(t, plain)
	for name, test := range map[string]struct {
		event eventhub.Event
		want  []string
	}{
		"gzip":                       {eventhub.Event{Body: packed, Encoding: "gzip"}, []string{"audit:a"}},
		"in other letters":           {eventhub.Event{Body: packed, Encoding: " GZip "}, []string{"audit:a"}},
		"in two parts":               {eventhub.Event{Body: eventhubtest.Gzipped(t, plain[:10], plain[10:]), Encoding: "gzip"}, []string{"audit:a"}},
		"of nothing":                 {eventhub.Event{Body: eventhubtest.Gzipped(t, nil), Encoding: "gzip"}, []string{"skipped:"}},
		"of what is no JSON":         {eventhub.Event{Body: eventhubtest.Gzipped(t, []byte("text")), Encoding: "gzip"}, []string{"skipped:"}},
		"plain, without an encoding": {eventhub.Event{Body: plain}, []string{"audit:a"}},
		"plain, called identity":     {eventhub.Event{Body: plain, Encoding: "identity"}, []string{"audit:a"}},
		"packed, without a word":     {eventhub.Event{Body: packed}, []string{"dead:not_json"}},
		"packed in another way":      {eventhub.Event{Body: packed, Encoding: "br"}, []string{"dead:not_json"}},
		"plain, but called gzip":     {eventhub.Event{Body: plain, Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"empty, but called gzip":     {eventhub.Event{Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"cut":                        {eventhub.Event{Body: packed[:len(packed)-10], Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"with something after it":    {eventhub.Event{Body: append(bytes.Clone(packed), "x"...), Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"one that nobody could read": {eventhub.Event{Unreadable: "cannot be converted"}, []string{"dead:unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			test.event.Body = bytes.Clone(test.event.Body)
			records, detail := testUnpacker().Unpack(test.event)
			for _, record := range records {
				got = append(got, summary(record))
				if record.Reason == audit.ReasonNotJSON {
					continue
				}
				assert.Equal(t, record.Verdict == audit.DeadLettered, detail != "", detail)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestABodyThatCannotBeUnpackedIsKeptWhole(t *testing.T) {
	records, detail := testUnpacker().Unpack(eventhub.Event{Body: []byte("not gzip"), Encoding: "gzip"})
	require.Len(t, records, 1)
	assert.Equal(t, "not gzip", string(records[0].Content))
	assert.Contains(t, detail, "unpack the gzip body")
}

// zeros returns a reader of count zero bytes.
func zeros(count int64) io.Reader { return io.LimitReader(zero{}, count) }

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestABodyIsUnpackedUpToALimit(t *testing.T) {
	pack := func(size int64) []byte {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		_, err := io.Copy(writer, zeros(size))
		require.NoError(t, err)
		require.NoError(t, writer.Close())
		return packed.Bytes()
	}
	body, err := decode(eventhub.Event{Body: pack(unpackedLimit), Encoding: "gzip"})
	require.NoError(t, err)
	assert.Len(t, body, unpackedLimit)

	bomb := pack(unpackedLimit + 1)
	_, err = decode(eventhub.Event{Body: bomb, Encoding: "gzip"})
	require.ErrorIs(t, err, errUnpackedTooLarge)
	records, _ := testUnpacker().Unpack(eventhub.Event{Body: bomb, Encoding: "gzip"})
	require.Len(t, records, 1)
	assert.Equal(t, "dead:too_large", summary(records[0]))
	assert.Equal(t, bomb, records[0].Content)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"), "gzip")
	f.Add([]byte("{}"), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		decoded, err := decode(eventhub.Event{Body: body, Encoding: encoding})
		if err != nil {
			require.Nil(t, decoded)
			return
		}
		require.LessOrEqual(t, len(decoded), max(unpackedLimit, len(body)))
		require.False(t, errors.Is(err, errUnpackedTooLarge))
	})
}
