package hubtest

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/stretchr/testify/require"
)

func TestOffsetsAreReadAsTheyAreWritten(t *testing.T) {
	for _, tc := range []struct {
		name          string
		geoReplicated bool
		text          string
		want          int64
		ok            bool
	}{
		{"a number", false, "16", 16, true},
		{"start", false, "-1", -1, true},
		{"three numbers without replication", false, "1:1:16", 0, false},
		{"three numbers", true, "1:1:16", 16, true},
		{"of an empty partition", true, "1:-1:-1", -1, true},
		{"start of a replicated partition", true, "-1", -1, true},
		{"of before the replication", true, "16", 0, false},
		{"of another epoch", true, "2:1:16", 0, false},
		{"two numbers", true, "1:16", 0, false},
		{"four numbers", true, "1:1:16:0", 0, false},
		{"no numbers", true, "1:x:16", 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, e := parseOffset(tc.geoReplicated, tc.text)
			if tc.ok {
				require.Nil(t, e)
				require.Equal(t, tc.want, got)
				return
			}
			require.NotNil(t, e)
			if tc.geoReplicated {
				require.Equal(t, condInvalidOffset, e.Condition)
				return
			}
			require.Equal(t, condArgumentError, e.Condition)
		})
	}
}

func TestAReaderResumesAtAGeoReplicatedOffset(t *testing.T) {
	s := startServer(t, Config{GeoReplicated: true})
	never := s.Partition("0").LastOffset
	require.Equal(t, "1:-1:-1", never)
	require.Equal(t, int64(0), s.Append("0", body(0)))
	appendBodies(s, "0", 1, 10)
	c := newConsumer(t, s, s.ConnectionString())
	all := receive(t, newReader(t, c, "0", earliest()), 10)
	requireBodies(t, all, 0)
	for _, e := range all {
		require.Regexp(t, `^1:\d+:\d+$`, e.Offset)
	}
	require.Equal(t, s.Partition("0").LastOffset, all[9].Offset)
	for _, tc := range []struct {
		name  string
		start azeventhubs.StartPosition
		first int
	}{
		{"behind an offset", azeventhubs.StartPosition{Offset: &all[4].Offset}, 5},
		{"at an offset", azeventhubs.StartPosition{Offset: &all[4].Offset, Inclusive: true}, 4},
		{"behind the offset of an empty partition", azeventhubs.StartPosition{Offset: &never}, 0},
		{"behind a sequence number", azeventhubs.StartPosition{SequenceNumber: ptr(int64(6))}, 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newReader(t, c, "0", &azeventhubs.PartitionClientOptions{StartPosition: tc.start})
			requireBodies(t, receive(t, p, 10-tc.first), tc.first)
		})
	}
}

func TestAnOffsetOfBeforeTheReplicationIsRefused(t *testing.T) {
	s := startServer(t, Config{GeoReplicated: true})
	appendBodies(s, "0", 0, 3)
	start := azeventhubs.StartPosition{Offset: ptr("0")}
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0", &azeventhubs.PartitionClientOptions{StartPosition: start})
	_, err := p.ReceiveEvents(testContext(t), 1, nil)
	requireCondition(t, err, condInvalidOffset)
}

func TestAGeoReplicatedHubSaysSo(t *testing.T) {
	for _, geoReplicated := range []bool{false, true} {
		s := startServer(t, Config{GeoReplicated: geoReplicated})
		s.Append("1", body(0))
		c := newConsumer(t, s, s.ConnectionString())
		hub, err := c.GetEventHubProperties(testContext(t), nil)
		require.NoError(t, err)
		require.Equal(t, geoReplicated, hub.GeoReplicationEnabled)
		p, err := c.GetPartitionProperties(testContext(t), "1", nil)
		require.NoError(t, err)
		require.Equal(t, s.Partition("1").LastOffset, p.LastEnqueuedOffset)
		require.Equal(t, int64(0), p.BeginningSequenceNumber)

		empty, err := c.GetPartitionProperties(testContext(t), "0", nil)
		require.NoError(t, err)
		require.True(t, empty.IsEmpty)
		require.Equal(t, int64(-1), empty.LastEnqueuedSequenceNumber)
		if geoReplicated {
			require.Equal(t, "1:-1:-1", empty.LastEnqueuedOffset)
			require.Equal(t, int64(-1), empty.BeginningSequenceNumber)
			require.Equal(t, 1, empty.LastEnqueuedOn.UTC().Year())
			continue
		}
		require.Equal(t, "-1", empty.LastEnqueuedOffset)
		require.Equal(t, int64(0), empty.BeginningSequenceNumber)
	}
}
