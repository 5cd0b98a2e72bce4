package gctune

import (
	"errors"
	"os"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	operatorsPercent = 50
	operatorsLimit   = 1 << 40
)

// asTheOperatorLeftIt sets percentage and limit to known values and removes the variables that Apply reads. All are
// restored after the test.
func asTheOperatorLeftIt(t *testing.T) {
	t.Helper()
	for _, variable := range []string{"GOGC", "GOMEMLIMIT", "AUTOMEMLIMIT", "AUTOMEMLIMIT_EXPERIMENT"} {
		t.Setenv(variable, "") // so that it is restored
		require.NoError(t, os.Unsetenv(variable))
	}
	percent, limit := debug.SetGCPercent(operatorsPercent), debug.SetMemoryLimit(operatorsLimit)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
}

// percent returns the current percentage.
func percent() int {
	p := debug.SetGCPercent(operatorsPercent)
	debug.SetGCPercent(p)
	return p
}

// limit returns the current soft memory limit in bytes.
func limit() int64 { return debug.SetMemoryLimit(-1) }

func none() (uint64, error) { return 0, memlimit.ErrNoLimit }

func unreadable() (uint64, error) { return 0, errors.New("unreadable") }

func TestTheMemoryLimitIsNineTenthsOfTheContainers(t *testing.T) {
	for name, test := range map[string]struct {
		container memlimit.Provider
		want      int64
	}{
		"a limit":           {memlimit.Limit(100_000_000), 90_000_000},
		"no limit":          {none, 180 << 20},
		"no readable limit": {unreadable, 180 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			asTheOperatorLeftIt(t)
			require.NoError(t, apply(test.container))
			assert.Equal(t, test.want, limit())
			assert.Equal(t, heapPercent, percent())
		})
	}
}

func TestTheOperatorsGOGCHoldsAndTheContainersLimitIsStillTaken(t *testing.T) {
	asTheOperatorLeftIt(t)
	t.Setenv("GOGC", strconv.Itoa(operatorsPercent))
	require.NoError(t, apply(memlimit.Limit(100_000_000)))
	assert.Equal(t, operatorsPercent, percent())
	assert.EqualValues(t, 90_000_000, limit())
}

func TestTheOperatorsGOMEMLIMITHoldsAndTheHeapMayStillGrow(t *testing.T) {
	for name, container := range map[string]memlimit.Provider{"a limit": memlimit.Limit(100_000_000), "no limit": none} {
		t.Run(name, func(t *testing.T) {
			asTheOperatorLeftIt(t)
			t.Setenv("GOMEMLIMIT", "1TiB")
			require.NoError(t, apply(container))
			assert.EqualValues(t, operatorsLimit, limit())
			assert.Equal(t, heapPercent, percent())
		})
	}
}

func TestAnInvalidShareOfTheLimitIsAnError(t *testing.T) {
	asTheOperatorLeftIt(t)
	t.Setenv("AUTOMEMLIMIT", "most of it")
	assert.ErrorContains(t, apply(memlimit.Limit(100_000_000)), "AUTOMEMLIMIT: most of it")
}

func TestTheLimitOfThisProcessIsRead(t *testing.T) {
	asTheOperatorLeftIt(t)
	require.NoError(t, Apply())
	want := int64(180 << 20)
	if container, err := memlimit.FromCgroup(); err == nil {
		want = int64(float64(container) * 0.9)
	}
	assert.Equal(t, want, limit())
}
