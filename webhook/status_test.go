package webhook

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/forwarder/status"
)

// lastAnswer returns what the status page would show of the sink.
func (f *fixture) lastAnswer() *metrics.SinkAnswer {
	return status.NewOverview(forwarder.Config{}, f.poster.stats, f.health, status.NewRecentLog(), time.Now).Status().LastAnswer
}

func TestTheStatusHasTheSinksLastAnswer(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, withCredentials(sink.URL)))
	assert.Nil(t, f.lastAnswer())
	_, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	got := f.lastAnswer()
	require.NotNil(t, got)
	assert.Equal(t, 200, got.Status)
	assert.Empty(t, got.Failure)
	assert.Positive(t, got.Seconds)
}

func TestTheStatusSaysWhyTheSinkDoesNotTakeIt(t *testing.T) {
	for name, test := range map[string]struct {
		sink   func(t *testing.T) string
		status int
		why    string
	}{
		"refused for good": {func(t *testing.T) string { t.Helper(); return serve(t, answering(400)).URL }, 400, "the sink answered 400 Bad Request"},
		"set up wrong":     {func(t *testing.T) string { t.Helper(); return serve(t, answering(404)).URL }, 404, "the sink answered 404 Not Found"},
		"nobody there":     {func(t *testing.T) string { t.Helper(); return "http://127.0.0.1:1" }, 0, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil, at(t, withCredentials(test.sink(t)), drop, func(cfg *forwarder.Config) { cfg.PostMaxRetries = 0 }))
			_, err := f.Deliver(t.Context(), events(1))
			require.NoError(t, err)
			got := f.lastAnswer()
			require.NotNil(t, got)
			assert.Equal(t, test.status, got.Status)
			assert.Contains(t, got.Failure, test.why)
			assert.NotContains(t, got.Failure, password)
			assert.NotContains(t, got.Failure, "token")
		})
	}
}
