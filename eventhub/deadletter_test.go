package eventhub

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADeadLetterKeepsBytesThatAreNoText(t *testing.T) {
	encoded, err := DeadLetter{Content: []byte{0xff, 0x00, 0xfe}}.Encode()
	require.NoError(t, err)
	var file deadLetterFile
	require.NoError(t, json.Unmarshal(encoded, &file))
	assert.Equal(t, []byte{0xff, 0x00, 0xfe}, file.ContentBase64)
	assert.Empty(t, file.Content)
}
