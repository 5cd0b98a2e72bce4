package dir

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
)

// FuzzCheckpointFile checks that an invalid checkpoint file counts as nothing read yet.
func FuzzCheckpointFile(f *testing.F) {
	folder := f.TempDir()
	for _, sequence := range []string{"7", "-1", "", "9223372036854775808", "0x1", "\"7\"", "1e3", "null", "{}"} {
		f.Add([]byte(`{"sequencenumber":` + sequence + `,"offset":"4711"}`))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "3"), content, 0o600))
		checkpoint, err := readCheckpoint(folder, "3")
		require.NoError(t, err)
		require.Equal(t, "3", checkpoint.Partition)
		require.GreaterOrEqual(t, checkpoint.Sequence, int64(eventhub.NoSequence))
		if checkpoint.Sequence == eventhub.NoSequence {
			require.Empty(t, checkpoint.Offset)
		} else {
			require.True(t, json.Valid(content))
		}
	})
}
