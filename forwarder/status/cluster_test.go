package status

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAClusterThatFallsSilentStandsFirstUntilADayHasPassed(t *testing.T) {
	f := newFixture(t)
	assert.Empty(t, f.overview.Status().Clusters)
	for name, age := range map[string]time.Duration{
		"c10": 0, "c2": 14 * time.Minute, "late": 15 * time.Minute, "gone": 24 * time.Hour, "also-late": 23 * time.Hour,
	} {
		f.stats.ClusterRead(name, 3, f.clock.Time.Add(-age))
	}
	f.stats.ClusterRead("untimed", 1, time.Time{})
	var names []string
	silent := map[string]bool{}
	for _, cluster := range f.overview.Status().Clusters {
		names = append(names, cluster.Name)
		silent[cluster.Name] = cluster.Silent
	}
	assert.Equal(t, []string{"also-late", "late", "c2", "c10", "gone", "untimed"}, names)
	assert.Equal(t, map[string]bool{"also-late": true, "late": true, "c2": false, "c10": false, "gone": false, "untimed": false}, silent)
}

// The clock has advanced, but nothing was read since: the hub may be away.
func TestNoClusterIsSilentBecauseAllAre(t *testing.T) {
	f := newFixture(t)
	f.stats.ClusterRead("a", 1, f.clock.Time)
	f.stats.ClusterRead("b", 1, f.clock.Time.Add(-time.Minute))
	f.clock.Time = f.clock.Time.Add(time.Hour)
	for _, cluster := range f.overview.Status().Clusters {
		assert.False(t, cluster.Silent, cluster.Name)
	}
}

func TestAClusterIsWrittenAsJSON(t *testing.T) {
	f := newFixture(t)
	body, err := json.Marshal(f.overview.Status().Clusters)
	require.NoError(t, err)
	assert.JSONEq(t, `[]`, string(body), "a list for the page, not null")
	f.stats.ClusterRead("prod", 2, f.clock.Time)
	f.stats.ClusterRead("untimed", 1, time.Time{})
	body, err = json.Marshal(f.overview.Status().Clusters)
	require.NoError(t, err)
	assert.JSONEq(t, `[{"name":"prod","records":2,"newest":"2026-01-31T12:00:00Z","silent":false},
		{"name":"untimed","records":1,"newest":null,"silent":false}]`, string(body))
}
