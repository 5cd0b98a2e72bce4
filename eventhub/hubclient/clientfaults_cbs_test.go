package hubclient

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// silentCBS is what a client did after $cbs did not answer a reconnect.
type silentCBS struct {
	// Next is the event that came after the silence, or "" if none was handed on.
	Next string
	// Waiting is whether the client still waits for the answer to its token.
	Waiting bool
}

// reconnectInSilence lets a client reconnect while $cbs accepts its token but never answers, and calls whileItWaits.
// Then everything works again.
func reconnectInSilence(t *testing.T, client forwarder.HubClient, whileItWaits func(*hubtest.Server), within time.Duration) silentCBS {
	t.Helper()
	server := startServer(t)
	server.Append("0", []byte("before"))
	hub := newTestHub(t, server, client)
	reading := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	reading.Next(t)
	server.SilenceCBS(true)
	server.DropConnections()
	require.Eventually(t, func() bool { return server.UnansweredTokens() > 0 }, eventhubtest.WaitLimit, 5*time.Millisecond, "the client reconnects")
	whileItWaits(server)
	server.SilenceCBS(false)
	server.Append("0", []byte("behind"))
	var saw silentCBS
	select {
	case event := <-reading.Events:
		saw.Next = string(event.Body)
	case err := <-reading.Done:
		// The client may also end here: a partition then opens it again.
		require.Error(t, err)
		from := eventhub.Position{Sequence: 0}
		saw.Next = string(readOn(t, hub, eventhubtest.StartReading(t, hub, "0", from), from).Body)
		return saw
	case <-time.After(within):
	}
	saw.Waiting = strings.Contains(allStacks(), "azure-amqp-common-go/v4/rpc.(*Link).RPC(")
	reading.Cancel()
	require.NoError(t, reading.End(t))
	return saw
}

// hangs is what the old client did: it waits without a limit.
var hangs = silentCBS{Waiting: true}

func TestCBSThatWasSilentDuringAReconnect(t *testing.T) {
	t.Run(string(oldClient)+" waits for the answer for ever", func(t *testing.T) {
		inChild(t, func(t *testing.T) silentCBS { return reconnectInSilence(t, oldClient, nothing, time.Second) },
			func(t *testing.T, child run[silentCBS]) { assert.Equal(t, hangs, child.requireFinished(t)) })
	})
	// azeventhubs asks again after quietTimeout: clientfaults_torture_test.go.
}

func nothing(*hubtest.Server) {}

func TestCBSWhoseReplyLinkWasDetachedDuringAReconnect(t *testing.T) {
	detach := func(server *hubtest.Server) { server.DetachCBS() }
	t.Run(string(oldClient)+" waits for the answer for ever", func(t *testing.T) {
		inChild(t, func(t *testing.T) silentCBS { return reconnectInSilence(t, oldClient, detach, time.Second) },
			func(t *testing.T, child run[silentCBS]) { assert.Equal(t, hangs, child.requireFinished(t)) })
	})
	t.Run(string(newClient)+" asks again", func(t *testing.T) {
		assert.Equal(t, silentCBS{Next: "behind"}, reconnectInSilence(t, newClient, detach, eventhubtest.WaitLimit))
	})
}
