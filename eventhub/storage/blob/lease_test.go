package blob

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/Azure/azure-event-hubs-go/v3/eph"
	"github.com/Azure/azure-event-hubs-go/v3/persist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
)

// retiredLease returns a lease as azure-event-hubs-go writes it. Its type is not exported, but consists of these.
func retiredLease(t testing.TB, partition string, checkpoint *persist.Checkpoint) []byte {
	t.Helper()
	content, err := json.Marshal(struct {
		*eph.Lease
		Checkpoint *persist.Checkpoint `json:"checkpoint"`
		State      string              `json:"state"`
		Token      string              `json:"token"`
	}{&eph.Lease{PartitionID: partition, Epoch: 3, Owner: "host"}, checkpoint, "leased", "b6ea4a4e"})
	require.NoError(t, err)
	return content
}

func TestALeaseOfTheRetiredSDKHoldsACheckpoint(t *testing.T) {
	at := func(sequence int64, offset string) eventhub.Checkpoint {
		return eventhub.Checkpoint{Partition: "7", Sequence: sequence, Offset: offset, FromLease: true}
	}
	fresh, latest := persist.NewCheckpointFromStartOfStream(), persist.NewCheckpointFromEndOfStream()
	for name, test := range map[string]struct {
		content []byte
		want    eventhub.Checkpoint
	}{
		"the first event":       {retiredLease(t, "7", &persist.Checkpoint{Offset: "0", SequenceNumber: 0, EnqueueTime: time.Now()}), at(0, "0")},
		"a later event":         {retiredLease(t, "7", &persist.Checkpoint{Offset: "4711", SequenceNumber: 42}), at(42, "4711")},
		"nothing read":          {retiredLease(t, "7", &fresh), at(eventhub.NoSequence, "")},
		"nothing read, latest":  {retiredLease(t, "7", &latest), at(eventhub.NoSequence, "")},
		"never owned":           {retiredLease(t, "7", nil), at(eventhub.NoSequence, "")},
		"a negative number":     {[]byte(`{"checkpoint":{"offset":"1","sequenceNumber":-7}}`), at(eventhub.NoSequence, "")},
		"a number that is text": {[]byte(`{"checkpoint":{"offset":"1","sequenceNumber":"7"}}`), at(eventhub.NoSequence, "")},
		"no number":             {[]byte(`{"checkpoint":{"offset":"1"}}`), at(eventhub.NoSequence, "")},
		"no JSON":               {[]byte("\x00rubbish"), at(eventhub.NoSequence, "")},
		"nothing":               {nil, at(eventhub.NoSequence, "")},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, readLease(test.content, "7")) })
	}
}

func TestOnlyPartitionIDsCanBeLeases(t *testing.T) {
	for _, name := range []string{"0", "31", "1999"} {
		assert.True(t, isPartitionID(name), name)
	}
	for _, name := range []string{"", "a", "1a", "-1", "12345", "0.json", "$default"} {
		assert.False(t, isPartitionID(name), name)
	}
}

func FuzzLeaseBlob(f *testing.F) {
	f.Add(retiredLease(f, "7", &persist.Checkpoint{Offset: "4711", SequenceNumber: 42}))
	f.Add([]byte(`{"checkpoint":{"sequenceNumber":-1}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		checkpoint := readLease(content, "7")
		assert.GreaterOrEqual(t, checkpoint.Sequence, eventhub.NoSequence)
		assert.Equal(t, checkpoint.Sequence == eventhub.NoSequence, checkpoint.Offset == "", "both numbers or none")
	})
}
