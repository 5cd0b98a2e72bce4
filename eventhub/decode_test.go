package eventhub

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

func gzipped(t *testing.T, bodies ...[]byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	for _, body := range bodies {
		writer := gzip.NewWriter(&packed)
		_, err := writer.Write(body)
		require.NoError(t, err)
		require.NoError(t, writer.Close())
	}
	return packed.Bytes()
}

func TestAGzipBodyIsUnpacked(t *testing.T) {
	plain := hubBody(auditRecord("kube-audit", audit("a")))
	packed := gzipped(t, plain)
	for name, test := range map[string]struct {
		event Event
		want  []string
	}{
		"gzip":                       {Event{Body: packed, Encoding: "gzip"}, []string{"audit:a"}},
		"in other letters":           {Event{Body: packed, Encoding: " GZip "}, []string{"audit:a"}},
		"in two parts":               {Event{Body: gzipped(t, plain[:10], plain[10:]), Encoding: "gzip"}, []string{"audit:a"}},
		"of nothing":                 {Event{Body: gzipped(t, nil), Encoding: "gzip"}, []string{"skipped:"}},
		"of what is no JSON":         {Event{Body: gzipped(t, []byte("text")), Encoding: "gzip"}, []string{"dead:not_json"}},
		"plain, without an encoding": {Event{Body: plain}, []string{"audit:a"}},
		"plain, called identity":     {Event{Body: plain, Encoding: "identity"}, []string{"audit:a"}},
		"packed, without a word":     {Event{Body: packed}, []string{"dead:not_json"}},
		"packed in another way":      {Event{Body: packed, Encoding: "br"}, []string{"dead:not_json"}},
		"plain, but called gzip":     {Event{Body: plain, Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"empty, but called gzip":     {Event{Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"cut":                        {Event{Body: packed[:len(packed)-10], Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"with something behind it":   {Event{Body: append(bytes.Clone(packed), "x"...), Encoding: "gzip"}, []string{"dead:bad_encoding"}},
		"one that nobody could read": {Event{Unreadable: "cannot be converted"}, []string{"dead:unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			test.event.Body = bytes.Clone(test.event.Body)
			records, detail := newUnpacker().records(test.event)
			for _, record := range records {
				got = append(got, summary(record))
				if record.reason == forwarder.ReasonNotJSON {
					continue
				}
				assert.Equal(t, record.verdict == forwarder.DeadLettered, detail != "", detail)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// What cannot be unpacked is kept as it came.
func TestABodyThatCannotBeUnpackedIsKeptWhole(t *testing.T) {
	records, detail := newUnpacker().records(Event{Body: []byte("not gzip"), Encoding: "gzip"})
	require.Len(t, records, 1)
	assert.Equal(t, "not gzip", string(records[0].content))
	assert.Contains(t, detail, "unpack the gzip body")
}

// zeros is a reader of so many bytes.
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
	body, err := decode(Event{Body: pack(unpackedLimit), Encoding: "gzip"})
	require.NoError(t, err)
	assert.Len(t, body, unpackedLimit)

	bomb := pack(unpackedLimit + 1)
	_, err = decode(Event{Body: bomb, Encoding: "gzip"})
	require.ErrorIs(t, err, errUnpackedTooLarge)
	records, _ := newUnpacker().records(Event{Body: bomb, Encoding: "gzip"})
	require.Len(t, records, 1)
	assert.Equal(t, "dead:too_large", summary(records[0]))
	assert.Equal(t, bomb, records[0].content)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"), "gzip")
	f.Add([]byte("{}"), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		decoded, err := decode(Event{Body: body, Encoding: encoding})
		if err != nil {
			require.Nil(t, decoded)
			return
		}
		require.LessOrEqual(t, len(decoded), max(unpackedLimit, len(body)))
		require.False(t, errors.Is(err, errUnpackedTooLarge))
	})
}
