package usage

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatThisProcessHasUsedGrowsWithItsWork(t *testing.T) {
	before, err := CPU(os.Getpid())
	require.NoError(t, err)
	for after := before; after < before+5*tick; {
		after, err = CPU(os.Getpid())
		require.NoError(t, err)
	}
}

func TestAProcessHasSomeMemoryResident(t *testing.T) {
	peak, err := PeakRSS(os.Getpid())
	require.NoError(t, err)
	assert.Greater(t, peak, int64(1<<20))
	now, err := RSS(os.Getpid())
	require.NoError(t, err)
	assert.Greater(t, now, int64(1<<20))
	assert.LessOrEqual(t, now, peak+1<<20, "the kernel counts a few pages late")
}

func TestTheNameOfAProgramDoesNotHideItsTimes(t *testing.T) {
	used, err := cpuOf("7 (a ) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 1 2 3\n")
	require.NoError(t, err)
	assert.Equal(t, 3*time.Second, used)
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for _, stat := range []string{"", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194560 1 0 0 0 x 50", "7 (a) S 1 7 7 0 -1 4194560 1 0 0 0 1 x"} {
		_, err := cpuOf(stat)
		assert.Error(t, err, stat)
	}
	for _, status := range []string{"", "VmHWM: many kB\n", "VmRSS: 12 kB\n"} {
		_, err := sizeOf(status, peakSize)
		assert.Error(t, err, status)
	}
	_, err := CPU(-1)
	assert.Error(t, err)
	_, err = PeakRSS(-1)
	assert.Error(t, err)
	_, err = RSS(-1)
	assert.Error(t, err)
}

func TestSizesAreInBytes(t *testing.T) {
	const status = "Name:\tx\nVmHWM:\t   64 kB\nVmRSS:\t   32 kB\n"
	peak, err := sizeOf(status, peakSize)
	require.NoError(t, err)
	assert.Equal(t, int64(65536), peak)
	now, err := sizeOf(status, residentSize)
	require.NoError(t, err)
	assert.Equal(t, int64(32768), now)
}
