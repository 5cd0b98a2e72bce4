package eventhub

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADeadLetterKeepsBytesThatAreNoText(t *testing.T) {
	_, encoded, err := EncodeDeadLetters([]DeadLetter{{Content: []byte{0xff, 0x00, 0xfe}}})
	require.NoError(t, err)
	var file deadLetterFile
	require.NoError(t, json.Unmarshal(encoded, &file))
	assert.Equal(t, []byte{0xff, 0x00, 0xfe}, file.ContentBase64)
	assert.Empty(t, file.Content)
}

func TestWhatIsNoDeadLetterIsToldApart(t *testing.T) {
	for name, stored := range map[string]string{
		"empty": "", "no JSON": "{", "null": "null", "another type": `{"reason":1}`,
		"no reason": `{"partition":"0"}`, "no partition": `{"reason":"refused"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeDeadLetters("0/1-0.json", []byte(stored))
			require.ErrorIs(t, err, ErrNotDeadLetter)
			assert.ErrorContains(t, err, "0/1-0.json")
		})
	}
}

func FuzzDeadLetter(f *testing.F) {
	f.Add("refused", "0", int64(7), []byte(`{"kind":"Event"}`))
	f.Add("not_json", "31", int64(-1), []byte{0xff, 0xfe})
	f.Fuzz(func(t *testing.T, reason, partition string, sequence int64, content []byte) {
		letter := DeadLetter{
			Reason: reason, Partition: partition, Sequence: sequence, Enqueued: time.Unix(0, 0).UTC(), Content: content,
		}
		for _, letters := range [][]DeadLetter{{letter}, {letter, letter}} {
			name, stored, err := EncodeDeadLetters(letters)
			require.NoError(t, err)
			read, err := DecodeDeadLetters(name, stored)
			if reason == "" || partition == "" {
				require.ErrorIs(t, err, ErrNotDeadLetter)
				return
			}
			require.NoError(t, err)
			require.Len(t, read, len(letters))
			for _, one := range read {
				assert.Equal(t, string(content), string(one.Content), "byte for byte")
			}
		}
	})
}
