package hubclient

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// newBeside returns a client that reads without an epoch.
func newBeside(t *testing.T, server *hubtest.Server, client forwarder.HubClient, changes ...string) eventhub.Hub {
	t.Helper()
	hub, err := NewBeside(eventhubtest.EmulatorConfig(t, server, client, changes...), "beside")
	require.NoError(t, err)
	t.Cleanup(func() { closeHub(t, hub) })
	return hub
}

func TestReadersWithoutAnEpochReadBesideEachOther(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, _ := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		one := eventhubtest.StartReading(t, newBeside(t, server, client), "0", eventhub.Beginning())
		other := eventhubtest.StartReading(t, newBeside(t, server, client), "0", eventhub.Beginning())
		for _, reading := range []*eventhubtest.Reading{one, other} {
			reading.Expect(t, 0)
		}
		server.Append("0", []byte("b"))
		for _, reading := range []*eventhubtest.Reading{one, other} {
			reading.Expect(t, 1)
			reading.Stop(t)
		}
	})
}

func TestAReaderWithoutAnEpochIsRefusedBesideAnOwnerAndDisplacesNone(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		owner := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		owner.Expect(t, 0)
		beside := eventhubtest.StartReading(t, newBeside(t, server, client), "0", eventhub.Beginning())
		require.ErrorIs(t, beside.End(t), ErrPartitionInUse)
		server.Append("0", []byte("b"))
		owner.Expect(t, 1)
		owner.Stop(t)
	})
}

func TestAReaderWithoutAnEpochEndsWhenAnOwnerComes(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		beside := eventhubtest.StartReading(t, newBeside(t, server, client), "0", eventhub.Beginning())
		beside.Expect(t, 0)
		owner := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		require.ErrorIs(t, beside.End(t), ErrPartitionInUse)
		owner.Expect(t, 0)
		owner.Stop(t)
	})
}

func TestASixthReaderWithoutAnEpochIsRefused(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, _ := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		hub := newBeside(t, server, client)
		for range 5 {
			reading := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
			reading.Expect(t, 0)
			defer reading.Stop(t)
		}
		require.ErrorIs(t, eventhubtest.StartReading(t, hub, "0", eventhub.Beginning()).End(t), ErrPartitionInUse)
	})
}

func TestAReaderWithoutAnEpochStartsAtATime(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, _ := startEmulator(t, 1, client)
		noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for i := range 10 {
			server.AppendMessage("0", hubtest.Message{Body: [][]byte{fmt.Append(nil, i)}, Enqueued: noon.Add(time.Duration(i) * time.Second)})
		}
		from := eventhub.Position{Sequence: eventhub.NoSequence, Since: noon.Add(6*time.Second - time.Millisecond)}
		reading := eventhubtest.StartReading(t, newBeside(t, server, client), "0", from)
		reading.Expect(t, 6, 7, 8, 9)
	})
}

// azure-event-hubs-go continues too, but it races when it connects again: see TestConnectionsThatAreLost.
func TestAReaderWithoutAnEpochGoesOnAfterALostConnection(t *testing.T) {
	server, _ := startEmulator(t, 1, newClient)
	server.Append("0", []byte("0"))
	from := eventhub.Position{Sequence: eventhub.NoSequence}
	reading := eventhubtest.StartReading(t, newBeside(t, server, newClient), "0", from)
	reading.Expect(t, 0)
	server.DropConnections()
	server.Append("0", []byte("1"))
	event, err := reading.NextOrEnd(t)
	if err != nil { // a client may give up
		from.Sequence = 0
		event = eventhubtest.StartReading(t, newBeside(t, server, newClient), "0", from).Next(t)
	}
	assert.Equal(t, int64(1), event.Sequence)
}
