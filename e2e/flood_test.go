package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// Requests for addresses of 16 KiB cause events that can only become dead letters. With as many of them as valid
// events, Falco must not get the valid ones later. They are cut earlier than AKS cuts them, because the test is about
// their number. With 16 KiB each, they would keep the hub and the network busy for longer than the storage.
func TestAFloodOfCutEventsDelaysNoSoundOneAndIsKeptWhole(t *testing.T) {
	t.Parallel()
	const sound, together = 8000, 20
	proxy := harness.StartStorageProxy(t)
	proxy.SetFault(func(http.ResponseWriter, *http.Request) bool {
		<-time.After(10 * time.Millisecond) // a storage that is far away
		return false
	})
	blobs := harness.NewBlobs(t)
	folder := t.TempDir()
	for name, c := range map[string]struct {
		store harness.Settings
		state harness.StoredState
	}{
		"blobs": {proxy.Settings(t).With(harness.Settings{"BLOBCONTAINERNAME": blobs.Name}), harness.StateInBlobs{Blobs: blobs}},
		"files": {harness.Settings{"CHECKPOINTDIR": folder}, harness.StateInFolder(folder)},
	} {
		t.Run(name, func(t *testing.T) { // one after the other, so that the times can be compared
			hub, sink := harness.StartHub(t, 1), harness.StartSink(t)
			for n := 0; n < sound; n += together {
				var events []string
				for i := n; i < n+together; i++ {
					events = append(events, cutInItsAddress(i), harness.AuditEvent("0", i))
				}
				hub.Append("0", harness.AuditHubEvent(t, events...))
			}
			environ := harness.HubSettings(t, hub, sink.URL).With(c.store)
			d := harness.StartDaemon(t, environ)
			sink.Await(t, 1)
			began := time.Now()
			sink.Await(t, sound)
			took := sink.LastTook().Sub(began)
			// A unit test checks the time, with a clock of its own. Here other tests keep the processors busy.
			t.Logf("%d audit events arrived within %v", sound, took)
			awaitCheckpoint(t, c.state, sound/together-1)
			d.Stop(t)

			objects, err := c.state.DeadLetters(t.Context())
			require.NoError(t, err)
			assert.Less(t, len(objects), sound/10, "a flood costs bandwidth, not requests")
			kept := map[string]bool{}
			for _, letter := range deadLetters(t, environ) {
				assert.Equal(t, "cut", letter.Reason)
				kept[fmt.Sprint(letter.Sequence, "-", letter.Record)] = true
			}
			assert.Len(t, kept, sound)
			assert.Len(t, sink.Accepted(), sound, "each once")
		})
	}
}

// cutInItsAddress returns an audit event that was cut within its address.
func cutInItsAddress(n int) string {
	const limit = 1024
	event := fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"cut-%d",`+
		`"stage":"ResponseComplete","requestURI":"/api/v1/pods?pad=`, n)
	return event + strings.Repeat("x", limit-len(event))
}
