package harness

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// seedVariable is the environment variable with the seed of an earlier run, which repeats its random numbers.
const seedVariable = "TORTURE_SEED"

// Seed returns the seed of a test's random numbers, and logs it.
func Seed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if wanted := os.Getenv(seedVariable); wanted != "" {
		var err error
		seed, err = strconv.ParseUint(wanted, 10, 64)
		require.NoError(t, err, seedVariable)
	}
	t.Logf("%s=%d repeats these random numbers", seedVariable, seed)
	return seed
}

// RandomNumbers returns the random numbers of one part of a test. Each part has its own sequence, which does not
// depend on the speed of other parts.
func RandomNumbers(seed, part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, part))
}
