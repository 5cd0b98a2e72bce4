package hubtest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsLeftOfAWindow(t *testing.T) {
	for _, tc := range []struct {
		name                string
		seen, granted, sent uint32
		want                uint32
	}{
		{"all of it", 0, 10, 0, 10},
		{"some under way", 5, 10, 8, 7},
		{"more under way than granted", 5, 2, 8, 0},
		{"taken back", 5, 0, 8, 0},
		{"no bound", 0, math.MaxUint32, 0, math.MaxUint32},
		{"around zero", math.MaxUint32 - 1, 10, 3, 5},
		{"peer ahead", 8, 10, 5, 13},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, left(tc.seen, tc.granted, tc.sent))
		})
	}
}
