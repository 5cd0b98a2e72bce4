//go:build torture

package hubclient

import (
	"context"
	"testing"
	"time"

	eventhubs "github.com/Azure/azure-event-hubs-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

// These rows take long because of the clients' own waits: `make torture` runs them.

// refusalLasts is how long attaches are refused: longer than the old client's ten attempts, ten seconds apart.
const refusalLasts = 2 * time.Minute

// refusal is what a client did while attaches were refused.
type refusal struct {
	// GaveUp is how long each call of Receive took until it ended by itself.
	GaveUp []time.Duration
	// Reason is the error of the last call.
	Reason string
	// Next is the event that came when attaches were accepted again.
	Next string
}

// sitOutRefusal calls Receive again whenever it ends, as a partition does.
func sitOutRefusal(t *testing.T, client forwarder.HubClient) refusal {
	t.Helper()
	server := startServer(t)
	server.Append("0", []byte("before"))
	hub := newTestHub(t, server, client)
	reading := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	from := eventhub.Position{Sequence: reading.Next(t).Sequence}
	server.RefuseAttaches("com.microsoft:server-busy")
	server.Detach("0", "amqp:link:detach-forced", "the service is upgraded")
	server.Append("0", []byte("behind"))
	var saw refusal
	over, began := time.After(refusalLasts), time.Now()
	for refused := true; refused; {
		select {
		case err := <-reading.Done:
			require.Error(t, err)
			saw.GaveUp, saw.Reason = append(saw.GaveUp, time.Since(began)), err.Error()
			reading, began = eventhubtest.StartReading(t, hub, "0", from), time.Now()
		case <-reading.Events:
			t.Fatal("an event came over a link that was refused")
		case <-over:
			refused = false
		}
	}
	server.RefuseAttaches("")
	saw.Next = string(readOn(t, hub, reading, from).Body)
	return saw
}

func TestAttachesRefusedForLong(t *testing.T) {
	t.Run(string(oldClient)+" gives up after 100 s and has to be called again", func(t *testing.T) {
		inChild(t, func(t *testing.T) refusal { return sitOutRefusal(t, oldClient) },
			func(t *testing.T, child run[refusal]) {
				saw := child.requireFinished(t)
				require.NotEmpty(t, saw.GaveUp)
				assert.InDelta(t, 100, saw.GaveUp[0].Seconds(), 10)
				assert.Contains(t, saw.Reason, "com.microsoft:server-busy")
				assert.Equal(t, "behind", saw.Next)
			})
	})
	t.Run(string(newClient)+" goes on when it is let in", func(t *testing.T) {
		assert.Equal(t, "behind", sitOutRefusal(t, newClient).Next)
	})
}

// oldSDKClose returns how long the SDK of the old client takes to close a link of a dead connection without a bound.
func oldSDKClose(t *testing.T) time.Duration {
	t.Helper()
	server := startServer(t)
	hub, err := eventhubs.NewHubFromConnectionString(server.ConnectionString() + ";EntityPath=" + server.HubName())
	require.NoError(t, err)
	listener, err := hub.Receive(t.Context(), "0", func(context.Context, *eventhubs.Event) error { return nil })
	require.NoError(t, err)
	awaitReceiver(t, server)
	server.GoSilent(true)
	defer server.GoSilent(false)
	began := time.Now()
	_ = listener.Close(t.Context()) // only the time counts
	return time.Since(began)
}

func TestTheOldClientTakesAMinuteToCloseADeadConnection(t *testing.T) {
	inChild(t, oldSDKClose, func(t *testing.T, child run[time.Duration]) {
		assert.InDelta(t, 55, child.requireFinished(t).Seconds(), 10)
	})
}

func TestCBSThatWasSilentDuringAReconnectForLong(t *testing.T) {
	t.Run(string(oldClient)+" still waits after two minutes", func(t *testing.T) {
		inChild(t, func(t *testing.T) silentCBS { return reconnectInSilence(t, oldClient, nothing, 2*time.Minute) },
			func(t *testing.T, child run[silentCBS]) { assert.Equal(t, hangs, child.requireFinished(t)) })
	})
	t.Run(string(newClient)+" asks again after a while", func(t *testing.T) {
		assert.Equal(t, silentCBS{Next: "behind"}, reconnectInSilence(t, newClient, nothing, 3*quietTimeout))
	})
}
