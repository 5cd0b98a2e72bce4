package eventhub

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGatheredDeadLettersAreJSONLinesInTheOrderOfTheHub(t *testing.T) {
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	letters := []DeadLetter{
		{Partition: "0", Sequence: 10, Enqueued: noon.Add(time.Second), Reason: "cut", Content: []byte("<&>")},
		{Partition: "0", Sequence: 9, Record: 10, Enqueued: noon, Reason: "not_json", Detail: "d", Category: "c", Content: []byte{0xff}},
		{Partition: "0", Sequence: 9, Record: 9, Enqueued: noon, Reason: "cut"},
	}
	name, stored, err := EncodeDeadLetters(letters)
	require.NoError(t, err)
	assert.Regexp(t, `^0/9-9-1769860800000-[0-9a-f]{8}\.jsonl\.gz$`, name)
	zip, err := gzip.NewReader(bytes.NewReader(stored))
	require.NoError(t, err)
	lines, err := io.ReadAll(zip)
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(string(lines), "\n"))
	read, err := DecodeDeadLetters(name, stored)
	require.NoError(t, err)
	letters[2].Content = []byte{}
	assert.Equal(t, []DeadLetter{letters[2], letters[1], letters[0]}, read)

	again, _, err := EncodeDeadLetters([]DeadLetter{letters[2], letters[0], letters[1]})
	require.NoError(t, err)
	assert.Equal(t, name, again, "stored again after a crash, they replace themselves")
	fewer, _, err := EncodeDeadLetters(letters[1:])
	require.NoError(t, err)
	assert.NotEqual(t, name, fewer, "others that begin with the same one replace none of them")
}

func TestWhatHoldsNoGatheredDeadLettersIsToldApart(t *testing.T) {
	packed := func(text string) string {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		_, err := zip.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, zip.Close())
		return out.String()
	}
	good := packed(`{"reason":"cut","partition":"0"}`)
	for name, stored := range map[string]string{
		"empty": "", "no gzip": "{}", "cut": good[:len(good)-9], "nothing in it": packed(""),
		"no JSON": packed("oops"), "no reason": packed(`{"partition":"0"}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeDeadLetters("0/1-0-ab.jsonl.gz", []byte(stored))
			require.ErrorIs(t, err, ErrNotDeadLetter)
			assert.ErrorContains(t, err, "0/1-0-ab.jsonl.gz")
		})
	}
	_, err := DecodeDeadLetters("0/1-0-ab.jsonl.gz", []byte(good))
	require.NoError(t, err)
}
