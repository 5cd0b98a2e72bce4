package hubclient

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder"
)

func TestThePrefetchFollowsTheBytesInFlight(t *testing.T) {
	tests := map[string]struct {
		fixed, bytes, partitions int
		want                     int32
	}{
		"the default, four partitions":     {0, 64 << 20, 4, 12},
		"the default, 32 partitions":       {0, 64 << 20, 32, 2},
		"the default, one partition":       {0, 64 << 20, 1, 48},
		"never less than two":              {0, 1 << 20, 100, 2},
		"never more than is of use":        {0, 2 << 30, 1, 256},
		"before the hub has said how many": {0, 256 << 20, 0, 6},
		"EVENTHUBPREFETCH":                 {300, 64 << 20, 32, 300},
		"EVENTHUBPREFETCH of one":          {1, 64 << 20, 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCredits(forwarder.Config{HubPrefetch: test.fixed, MaxBytesInFlight: test.bytes})
			if test.partitions > 0 {
				c.setPartitions(test.partitions)
			}
			assert.Equal(t, test.want, c.perPartition())
		})
	}
}
