package harness

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

// falcoStartTries is how many ports StartFalco tries, because another process may take a free port first.
const falcoStartTries = 5

// FalcoEvent is an audit event as Falco's rule engine gets it.
type FalcoEvent struct {
	JSON      string
	Timestamp time.Time
}

// Falco is the webhook server of Falco's k8saudit plugin. The test reads from it as Falco does.
type Falco struct {
	URL      string
	instance source.Instance
	plugin   *k8saudit.Plugin
	drained  chan struct{}

	mu     sync.Mutex
	events []FalcoEvent
	err    error // why reading ended, or nil while it continues
}

// StartFalco opens the plugin's web server on a free port, and closes it when the test ends.
func StartFalco(t *testing.T) *Falco {
	t.Helper()
	for range falcoStartTries {
		f := OpenFalco(t, FreeAddress(t))
		Wait(t, func() bool { return f.Serves(t) || f.ended() != nil }, "Falco's plugin serves %s", f.URL)
		if f.ended() == nil {
			t.Cleanup(f.Close)
			return f
		}
		t.Logf("open Falco's plugin again: %v", f.ended())
		f.Close()
	}
	require.Fail(t, "Falco's plugin could not be opened")
	return nil
}

// OpenFalco opens the plugin's web server at an address. The caller closes it.
func OpenFalco(t *testing.T, address string) *Falco {
	t.Helper()
	plugin := &k8saudit.Plugin{}
	require.NoError(t, plugin.Init("{}"))
	instance, err := plugin.OpenWebServer(address, "/k8s-audit", false)
	require.NoError(t, err)
	return ReadFalco(plugin, instance, "http://"+address+"/k8s-audit")
}

// ReadFalco reads from a plugin that is already open, as Falco does, until Close.
func ReadFalco(plugin *k8saudit.Plugin, instance source.Instance, url string) *Falco {
	f := &Falco{URL: url, plugin: plugin, instance: instance, drained: make(chan struct{})}
	go f.drain()
	return f
}

// Serves reports whether the web server answers. It answers 405 to any method except POST.
func (f *Falco) Serves(t *testing.T) bool {
	status, _ := Get(t.Context(), f.URL)
	return status == 405
}

// drain reads batches until the plugin is closed.
func (f *Falco) drain() {
	defer close(f.drained)
	batch := newEventWriters()
	for {
		n, err := f.instance.NextBatch(f.plugin, batch)
		f.store(batch[:n])
		if err != nil && !errors.Is(err, sdk.ErrTimeout) {
			f.mu.Lock()
			f.err = err
			f.mu.Unlock()
			return
		}
	}
}

// store appends a batch to the events.
func (f *Falco) store(batch eventWriters) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, event := range batch {
		f.events = append(f.events, FalcoEvent{
			JSON:      event.data.String(),
			Timestamp: time.Unix(0, int64(event.timestamp)).UTC(),
		})
	}
}

// Seen returns all audit events so far, in the order in which Falco gets them.
func (f *Falco) Seen() []FalcoEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// SeenJSON is Seen without the timestamps.
func (f *Falco) SeenJSON() []string {
	var all []string
	for _, event := range f.Seen() {
		all = append(all, event.JSON)
	}
	return all
}

// Await waits until Falco has at least n audit events, and returns all of them.
func (f *Falco) Await(t *testing.T, n int) []string {
	t.Helper()
	AwaitCount(t, n, func() int { return len(f.Seen()) }, "audit events have not reached Falco")
	return f.SeenJSON()
}

// ended returns why the plugin delivers no more events, or nil while it delivers them.
func (f *Falco) ended() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Close closes the plugin, and waits until reading has ended.
func (f *Falco) Close() {
	if closer, ok := f.instance.(sdk.Closer); ok {
		closer.Close()
	}
	<-f.drained
}

// AsFalcoSees returns an audit event as the plugin gives it to Falco: parsed and written again, without white space
// between tokens.
func AsFalcoSees(t *testing.T, auditEvent string) string {
	t.Helper()
	var parser fastjson.Parser
	value, err := parser.Parse(auditEvent)
	require.NoError(t, err)
	return string(value.MarshalTo(nil))
}
