package variable

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHelpPrintsEveryVariableWithItsDefault(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Usage(&out))
	for _, v := range Table() {
		assert.Contains(t, out.String(), "\n  "+v.Name+" ("+v.Standing()+")\n      "+v.Help+"\n")
		assert.Contains(t, out.String(), v.Wants)
		assert.Contains(t, out.String(), v.Example)
	}
}

func TestStandingSaysWhetherAVariableIsRequiredOrItsDefault(t *testing.T) {
	assert.Equal(t, "required", Lookup(SinkURL).Standing())
	assert.Equal(t, "required unless CHECKPOINTDIR is set", Lookup(Container).Standing())
	assert.Equal(t, "default: 5", Lookup(MaxRetries).Standing())
	assert.Equal(t, "default: 0, unlimited", Lookup(RateLimit).Standing())
	assert.Equal(t, "default: text on a terminal, else json", Lookup(LogFormat).Standing())
}

// closedPipe fails every write, like the pipe to a pager that has quit.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestHelpThatCannotBeWrittenIsAnError(t *testing.T) {
	assert.EqualError(t, Usage(closedPipe{}), "write usage: broken pipe")
}
