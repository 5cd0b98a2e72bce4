package e2e

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk/plugins/source"
	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// falcoStartTries is how often another port is tried where one was snatched away.
const falcoStartTries = 5

// falcoEvent is one audit event as Falco's rule engine would get it.
type falcoEvent struct {
	JSON      string
	Timestamp time.Time
}

// falco is the webhook server of Falco's k8saudit plugin, drained as Falco drains it.
type falco struct {
	url      string
	instance source.Instance
	plugin   *k8saudit.Plugin
	drained  chan struct{}

	mu     sync.Mutex
	events []falcoEvent
	err    error // why the drain ended, nil while it goes on
}

// startFalco opens the plugin's web server on a free port and ends it with the test.
func startFalco(t *testing.T) *falco {
	t.Helper()
	for range falcoStartTries {
		f := openFalco(t, freeAddress(t))
		eventually(t, func() bool { return f.serves(t) || f.ended() != nil }, "Falco's plugin serves %s", f.url)
		if f.ended() == nil {
			t.Cleanup(f.close)
			return f
		}
		t.Logf("open Falco's plugin again: %v", f.ended())
		f.close()
	}
	require.Fail(t, "Falco's plugin could not be opened")
	return nil
}

func openFalco(t *testing.T, address string) *falco {
	t.Helper()
	plugin := &k8saudit.Plugin{}
	require.NoError(t, plugin.Init("{}"))
	instance, err := plugin.OpenWebServer(address, "/k8s-audit", false)
	require.NoError(t, err)
	f := &falco{url: "http://" + address + "/k8s-audit", plugin: plugin, instance: instance, drained: make(chan struct{})}
	go f.drain()
	return f
}

// serves says whether the web server answers: it refuses any method but POST with 405.
func (f *falco) serves(t *testing.T) bool {
	status, _ := get(t.Context(), f.url)
	return status == 405
}

// drain asks for batches until the plugin is closed, as Falco does without end.
func (f *falco) drain() {
	defer close(f.drained)
	batch := newEventWriters()
	for {
		n, err := f.instance.NextBatch(f.plugin, batch)
		f.keep(batch[:n])
		if err != nil && !errors.Is(err, sdk.ErrTimeout) {
			f.mu.Lock()
			f.err = err
			f.mu.Unlock()
			return
		}
	}
}

func (f *falco) keep(batch eventWriters) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, event := range batch {
		f.events = append(f.events, falcoEvent{
			JSON:      event.data.String(),
			Timestamp: time.Unix(0, int64(event.timestamp)).UTC(),
		})
	}
}

// seen answers all audit events so far, in the order in which Falco gets them.
func (f *falco) seen() []falcoEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// seenJSON is seen without the timestamps.
func (f *falco) seenJSON() []string {
	var all []string
	for _, event := range f.seen() {
		all = append(all, event.JSON)
	}
	return all
}

// await waits until Falco has at least n audit events and answers them all.
func (f *falco) await(t *testing.T, n int) []string {
	t.Helper()
	eventually(t, func() bool { return len(f.seen()) >= n }, "Falco has %d audit events", n)
	return f.seenJSON()
}

// ended answers why the plugin gives no more events, nil while it does.
func (f *falco) ended() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *falco) close() {
	if closer, ok := f.instance.(sdk.Closer); ok {
		closer.Close()
	}
	<-f.drained
}

// asFalcoHasIt is an audit event as the plugin hands it on: parsed and written again, so
// without white space between its tokens.
func asFalcoHasIt(t *testing.T, auditEvent string) string {
	t.Helper()
	var parser fastjson.Parser
	value, err := parser.Parse(auditEvent)
	require.NoError(t, err)
	return string(value.MarshalTo(nil))
}
