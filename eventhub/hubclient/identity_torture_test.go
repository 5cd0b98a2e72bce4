//go:build torture

package hubclient

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

// azeventhubs puts a new token on a link ten minutes before the old one expires, but not before two minutes have
// passed (namespace.go, nextClaimRefreshDuration).
func TestALinkIsGivenANewTokenBeforeTheOldOneRunsOut(t *testing.T) {
	t.Parallel()
	const life = 150 * time.Second
	server, identity, hub := startEntra(t, forwarder.ClientAzEventHubs, life)
	ctx, cancel := context.WithTimeout(t.Context(), life+20*time.Second)
	defer cancel()
	server.Append("0", []byte("a"))
	began := time.Now()
	received := 0
	// Receive would end with an error if the link had to be opened again.
	assert.NoError(t, hub.Receive(ctx, "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) { received++ }}))
	assert.Greater(t, time.Since(began), life)
	assert.Equal(t, 1, received)
	assert.GreaterOrEqual(t, identity.asked.Load(), int32(2))
}
