package eventhubtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/forwarder/status"
)

// warnings are the lines that were logged about dead letters: those of single ones, and the sums.
func (b *Bench) Warnings() (single, sums []logrus.Fields) {
	for _, entry := range b.Logged.AllEntries() {
		switch {
		case strings.HasPrefix(entry.Message, "record stored as a dead letter"):
			single = append(single, logrus.Fields(entry.Data))
		case strings.HasPrefix(entry.Message, "more records were stored"):
			sums = append(sums, logrus.Fields(entry.Data))
		}
	}
	return single, sums
}

// refuseAll has the sink refuse every audit event for good.
func (b *Bench) RefuseAll() {
	b.Sink.Outcomes = func(audit.Event) audit.Outcome {
		return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
	}
}

// bench is a consumer with everything around it in memory.
type Bench struct {
	Cfg      forwarder.Config
	Hub      *Hub
	Store    *Store
	Sink     *Sink
	registry *prometheus.Registry
	Stats    *metrics.Statistics
	Health   *health.Health
	Log      *logrus.Logger
	Logged   *logtest.Hook
}

func NewBench(partitions int) *Bench {
	log, hook := logtest.NewNullLogger()
	log.SetLevel(logrus.TraceLevel)
	registry := prometheus.NewRegistry()
	return &Bench{
		Cfg: forwarder.Config{
			Categories: BothCategories,
			HubName:    "hub", ConsumerGroup: "$Default",
			CheckpointInterval: time.Second, ShutdownTimeout: 25 * time.Second, SinkMaxEventSize: TestMaxEventSize,
			PostBatchMaxEvents: 400, PostBatchMaxBytes: 1 << 20, MaxBytesInFlight: 64 << 20,
		},
		Hub: NewHub(partitions), Store: NewStore(), Sink: NewSink(),
		registry: registry, Stats: metrics.NewStatistics(registry, "test", time.Now), Health: health.NewHealth(),
		Log: log, Logged: hook,
	}
}

// metric reads one sample of a metric by its name and label values.
func (b *Bench) Metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			var values []string
			for _, label := range metric.GetLabel() {
				values = append(values, label.GetValue())
			}
			if fmt.Sprint(values) == fmt.Sprint(labels) {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s%v", name, labels)
	return 0
}

// assertReadiness waits until what goes round every half minute has gone round.
func (b *Bench) AssertReadiness(t *testing.T, want string) {
	t.Helper()
	time.Sleep(time.Minute)
	ready, reason := b.Health.Ready()
	assert.Equal(t, want, reason)
	assert.Equal(t, want == OwnsAll, ready)
}

const OwnsAll = "ready: owning 2 of 2 partitions"

// settlingBench is a bench whose sink settles what it accepted after ten seconds.
func NewConfirmingBench() *Bench {
	b := NewBench(1)
	b.Sink.ConfirmTime = 10 * time.Second
	return b
}

// sequence is the checkpoint of partition 0, noSequence where there is none.
func (b *Bench) Sequence() int64 {
	checkpoint, known := b.Store.Checkpoint("0")
	if !known {
		return eventhub.NoSequence
	}
	return checkpoint.Sequence
}

// status is what the status page would show of the bench's consumer.
func (b *Bench) Status() status.Status {
	return status.NewOverview(b.Cfg, b.Stats, b.Health, status.NewRecentLog(), time.Now).Status()
}

func (b *Bench) AssertAlive(t *testing.T) {
	t.Helper()
	alive, why := b.Health.Alive()
	assert.True(t, alive, why)
}

func (b *Bench) AssertWedged(t *testing.T, why string) {
	t.Helper()
	alive, got := b.Health.Alive()
	assert.False(t, alive)
	assert.Contains(t, got, why)
}

// logs counts the lines of a level with a message.
func (b *Bench) Logs(level logrus.Level, message string) int {
	count := 0
	for _, entry := range b.Logged.AllEntries() {
		if entry.Level == level && entry.Message == message {
			count++
		}
	}
	return count
}
