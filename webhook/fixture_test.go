package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/httpclient"
)

// fixture is a poster with all that a test checks.
type fixture struct {
	t      testing.TB
	poster *Poster
	health *health.Health
	logs   *logtest.Hook
	reg    *prometheus.Registry
}

// newFixture makes a poster with the default settings, except those that change changes. The sink is the round
// tripper, or else the one at cfg.SinkURL.
func newFixture(t testing.TB, transport http.RoundTripper, change func(*forwarder.Config)) *fixture {
	t.Helper()
	cfg := forwarder.Config{
		SinkURL:        &url.URL{Scheme: "http", Host: "sink.example:9765", Path: "/k8s-audit"},
		PostMaxRetries: 5,
		PostRetryDelay: time.Second,
		PostTimeout:    time.Minute,
		FailurePolicy:  forwarder.FailureHold,
		RateBurst:      50,
		// Each event has its own request, except in the tests of batches.
		PostBatchMaxEvents: 1,
		PostBatchMaxBytes:  1 << 20,
		KeepAlive:          true,
		SinkBarrier:        forwarder.BarrierAuto,
		CheckpointInterval: 5 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	log, hook := logtest.NewNullLogger()
	log.SetLevel(logrus.TraceLevel)
	reg := prometheus.NewRegistry()
	f := &fixture{t: t, health: health.NewHealth(), logs: hook, reg: reg}
	f.health.Ownership(4, 4, 0)
	stats := metrics.NewStatistics(reg, "test", time.Now)
	var err error
	f.poster, err = New(cfg, stats, f.health, log)
	require.NoError(t, err)
	if transport != nil {
		f.poster.newClient = func(opts httpclient.Options) *http.Client {
			client := httpclient.New(opts)
			client.Transport = transport
			return client
		}
	}
	return f
}

// Deliver posts in its own session, as one partition does.
func (f *fixture) Deliver(ctx context.Context, all []audit.Event) ([]audit.Outcome, error) {
	session := f.poster.OpenSession()
	defer session.Close()
	return deliverAll(ctx, session, all)
}

// deliverAll delivers one batch after the other, and returns an outcome for each event.
func deliverAll(ctx context.Context, session *Session, all []audit.Event) ([]audit.Outcome, error) {
	var outcomes []audit.Outcome
	for len(outcomes) < len(all) {
		outcome, err := session.Deliver(ctx, all[len(outcomes):])
		events := outcome.Events
		outcome.Events = 0
		outcomes = append(outcomes, slices.Repeat([]audit.Outcome{outcome}, events)...)
		if err != nil {
			return outcomes, err
		}
	}
	return outcomes, nil
}

// counts holds the four counters of the predecessors.
type counts struct{ sent, succeeded, retried, failed float64 }

func (f *fixture) counts() counts {
	return counts{
		sent:      f.metric("falco_aks_audit_log_events"),
		succeeded: f.metric("falco_aks_audit_log_events_success"),
		retried:   f.metric("falco_aks_audit_log_events_retry"),
		failed:    f.metric("falco_aks_audit_log_events_errors"),
	}
}

func (f *fixture) metric(name string) float64 {
	f.t.Helper()
	families, err := f.reg.Gather()
	require.NoError(f.t, err)
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetUntyped().GetValue() + family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	f.t.Fatalf("no metric %s", name)
	return 0
}

// posts returns the number of POSTs with that status class.
func (f *fixture) posts(class string) uint64 {
	f.t.Helper()
	families, err := f.reg.Gather()
	require.NoError(f.t, err)
	for _, family := range families {
		if family.GetName() != "aks_audit_log_post_duration_seconds" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == class {
				return m.GetHistogram().GetSampleCount()
			}
		}
	}
	return 0
}

func (f *fixture) lines(level logrus.Level) []string {
	var lines []string
	for _, entry := range f.logs.AllEntries() {
		if entry.Level == level {
			lines = append(lines, entry.Message)
		}
	}
	return lines
}

// everything returns all log output at every level, as both formatters write it.
func (f *fixture) everything() string {
	var all strings.Builder
	for _, entry := range f.logs.AllEntries() {
		for _, formatter := range []logrus.Formatter{&logrus.TextFormatter{}, &logrus.JSONFormatter{}} {
			line, err := formatter.Format(entry)
			require.NoError(f.t, err)
			all.Write(line)
		}
	}
	return all.String()
}

func event(n int) audit.Event {
	return audit.Event{
		Partition: "0", Sequence: int64(n), Record: 0, AuditID: fmt.Sprintf("id-%d", n),
		JSON: fmt.Appendf(nil, `{"kind":"Event","auditID":"id-%d"}`, n),
	}
}

func events(n int) []audit.Event {
	all := make([]audit.Event, n)
	for i := range all {
		all[i] = event(i)
	}
	return all
}

// bodies returns the bodies that the sink should get.
func bodies(all []audit.Event) []string {
	var want []string
	for _, e := range all {
		want = append(want, string(e.JSON))
	}
	return want
}

// script is the sink in tests about time. It answers the n-th request, from 0, with answer.
type script struct {
	answer func(n int, req *http.Request) (*http.Response, error)
	// barrier answers barriers. If it is nil, they are accepted.
	barrier func() (*http.Response, error)

	mu    sync.Mutex
	start time.Time
	at    []time.Duration // when each request came, since the first
	got   []string        // their bodies
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if string(body) == "[]" {
		if s.barrier != nil {
			return s.barrier()
		}
		return saying(200)
	}
	s.mu.Lock()
	n := len(s.got)
	if n == 0 {
		s.start = time.Now()
	}
	s.at = append(s.at, time.Since(s.start))
	s.got = append(s.got, string(body))
	s.mu.Unlock()
	return s.answer(n, req)
}

// saying returns an answer with that status. header holds lines like "Name: value".
func saying(status int, header ...string) (*http.Response, error) {
	resp := &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(""))}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		resp.Header.Set(name, value)
	}
	return resp, nil
}

func sayingPage() (*http.Response, error) {
	resp, err := saying(200, "Content-Type: text/html; charset=utf-8")
	resp.Body = io.NopCloser(strings.NewReader("<html><body>default backend</body></html>"))
	return resp, err
}

func always(status int) *script {
	return &script{answer: func(int, *http.Request) (*http.Response, error) { return saying(status) }}
}

// inTurn returns a sink that answers with one status after the other, and then always with the last.
func inTurn(statuses ...int) *script {
	return &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
		return saying(statuses[min(n, len(statuses)-1)])
	}}
}

func delivered(n int) []audit.Outcome {
	outcomes := make([]audit.Outcome, n)
	for i := range outcomes {
		outcomes[i].Verdict = audit.Delivered
	}
	return outcomes
}

func drop(cfg *forwarder.Config) { cfg.FailurePolicy = forwarder.FailureDrop }
