package eventhubtest

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/forwarder/status"
	"aks-audit-log-go/internal/promtest"
)

// Bench has everything that a consumer or a partition needs, in memory.
type Bench struct {
	Cfg    forwarder.Config
	Hub    *Hub
	Store  *Store
	Sink   *Sink
	Stats  *metrics.Statistics
	Health *health.Health
	Log    *logrus.Logger
	// Logged has all logged lines of all levels.
	Logged   *logtest.Hook
	registry *prometheus.Registry
}

// NewBench returns a bench whose hub has this many partitions, and whose sink confirms at once.
func NewBench(partitions int) *Bench {
	log, hook := logtest.NewNullLogger()
	log.SetLevel(logrus.TraceLevel)
	registry := prometheus.NewRegistry()
	state := health.NewHealth()
	state.Register(registry)
	return &Bench{
		Cfg: forwarder.Config{
			Categories: BothCategories,
			HubName:    "hub", ConsumerGroup: "$Default",
			CheckpointInterval: time.Second, ShutdownTimeout: 25 * time.Second, SinkMaxEventSize: MaxEventSize,
			PostBatchMaxEvents: 400, PostBatchMaxBytes: 1 << 20, MaxBytesInFlight: 64 << 20,
		},
		Hub: NewHub(partitions), Store: NewStore(), Sink: NewSink(),
		Stats: metrics.NewStatistics(registry, "test", time.Now), Health: state,
		Log: log, Logged: hook, registry: registry,
	}
}

// NewConfirmingBench returns a bench with one partition, whose sink confirms after ten seconds.
func NewConfirmingBench() *Bench {
	b := NewBench(1)
	b.Sink.ConfirmTime = 10 * time.Second
	return b
}

// Metric returns the value of a series, which is named as Prometheus writes it.
func (b *Bench) Metric(t *testing.T, series string) float64 {
	t.Helper()
	value, found := promtest.Sample(t, b.registry, series)
	require.True(t, found, "no metric %s", series)
	return value
}

// Sequence returns the checkpoint of partition 0, or NoSequence if there is none.
func (b *Bench) Sequence() int64 {
	checkpoint, known := b.Store.Checkpoint("0")
	if !known {
		return eventhub.NoSequence
	}
	return checkpoint.Sequence
}

// Status returns what the status page shows.
func (b *Bench) Status() status.Status {
	return status.NewOverview(b.Cfg, b.Stats, b.Health, status.NewRecentLog(), time.Now).Status()
}

// LogCount returns how many lines were logged with this message at this level.
func (b *Bench) LogCount(level logrus.Level, message string) int {
	count := 0
	for _, entry := range b.Logged.AllEntries() {
		if entry.Level == level && entry.Message == message {
			count++
		}
	}
	return count
}

// OwnsAll is the readiness of a bench with two partitions that owns both.
const OwnsAll = "ready: owning 2 of 2 partitions"

// AssertReadiness compares the readiness after a minute. In this time, all periodic checks have run.
func (b *Bench) AssertReadiness(t *testing.T, want string) {
	t.Helper()
	time.Sleep(time.Minute) // the bubble's clock
	ready, reason := b.Health.Ready()
	assert.Equal(t, want, reason)
	assert.Equal(t, want == OwnsAll, ready)
}

// AssertAlive asserts that the watchdog does not ask for a restart.
func (b *Bench) AssertAlive(t *testing.T) {
	t.Helper()
	alive, reason := b.Health.Alive()
	assert.True(t, alive, reason)
}

// AssertWedged asserts that the watchdog asks for a restart for this reason.
func (b *Bench) AssertWedged(t *testing.T, reason string) {
	t.Helper()
	alive, got := b.Health.Alive()
	assert.False(t, alive)
	assert.Contains(t, got, reason)
}
