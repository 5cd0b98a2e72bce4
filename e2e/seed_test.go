package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// seedVariable is the environment variable that makes the random numbers of a test those of an
// earlier run.
const seedVariable = "TORTURE_SEED"

// seedOf answers the seed of a test's random numbers and says which it is.
func seedOf(t *testing.T) uint64 {
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

// randomNumbers are those of one part of a test: each part has a row of its own, so that they do
// not depend on which part is quicker.
func randomNumbers(seed, part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, part))
}
