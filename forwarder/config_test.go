package forwarder

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAStartPositionPrintsAsItIsSet(t *testing.T) {
	for _, set := range []string{"earliest", "latest", "2026-01-31T12:00:00.5+01:00"} {
		cfg, err := Load(environ("EVENTHUBSTARTPOSITION=" + set))
		require.NoError(t, err)
		assert.Equal(t, set, cfg.StartPosition.String())
		assert.Equal(t, set, cfg.LogFields()["start_position"])
	}
	assert.Equal(t, "earliest", StartPosition{}.String())
}
