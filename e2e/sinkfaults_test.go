package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// scriptedSink is a webhook with a fault that a test sets and ends.
type scriptedSink struct {
	*httptest.Server

	mu     sync.Mutex
	fault  sinkFault
	events []string // accepted
	faults int      // how many POSTs arrived during a fault
}

// sinkFault answers a POST, and reports whether the sink has accepted it.
type sinkFault func(w http.ResponseWriter, r *http.Request) (accepted bool)

// startScriptedSink starts a sink without a fault at an address.
func startScriptedSink(t *testing.T, address string) *scriptedSink {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	s := &scriptedSink{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.take))
	require.NoError(t, s.Listener.Close())
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *scriptedSink) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	fault := s.fault
	if fault != nil {
		s.faults++
	}
	s.mu.Unlock()
	if fault != nil && !fault(w, r) {
		return
	}
	events, err := harness.EventsOf(body)
	if err != nil {
		events = []string{"no JSON: " + err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events...)
}

// set sets a fault. nil ends it.
func (s *scriptedSink) set(fault sinkFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *scriptedSink) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// met returns how many POSTs arrived during a fault.
func (s *scriptedSink) met() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// answering returns a fault that answers with a status and headers.
func answering(status int, header ...string) sinkFault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return false
	}
}

// answeringWithPage returns a fault that answers 200 with a web page of this type, as an ingress's catch-all does.
func answeringWithPage(kind string) sinkFault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, "<!doctype html><html><body>Nothing here</body></html>")
		return false
	}
}

// neverAnswering keeps a POST waiting until the client cancels it.
func neverAnswering(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return false
}

// resettingAmidTheAnswer accepts the POST, and resets the connection within the answer.
func resettingAmidTheAnswer(w http.ResponseWriter, _ *http.Request) bool {
	harness.ResetConnection(w, true)
	return true
}

// resettingBeforeTheAnswer reads the POST and resets the connection. The daemon cannot know whether the sink has
// processed it.
func resettingBeforeTheAnswer(w http.ResponseWriter, _ *http.Request) bool {
	harness.ResetConnection(w, false)
	return false
}

func TestEachFaultOfTheSinkIsGotOverWithoutLoss(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault sinkFault
		// once says that nothing is sent again that the sink has accepted.
		once bool
		// timeout is POSTTIMEOUT. It is short if the POSTs end because of it.
		timeout string
	}{
		"it answers 500":                      {answering(500), true, "5m"},
		"it answers 429 with Retry-After":     {answering(429, "Retry-After", "1"), true, "5m"},
		"it answers 401":                      {answering(401), true, "5m"},
		"it answers 404":                      {answering(404), true, "5m"},
		"it answers 200 with a web page":      {answeringWithPage("Text/HTML"), true, "5m"},
		"it never answers":                    {neverAnswering, false, "5s"},
		"it resets the connection":            {resettingBeforeTheAnswer, false, "5m"},
		"it resets the connection, answering": {resettingAmidTheAnswer, false, "5m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 2), startScriptedSink(t, harness.FreeAddress(t))
			fed := harness.NewFeed(hub)
			fed.Add(t, 3, 2)
			d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.FastRetries()).With(harness.Settings{
				"CHECKPOINTDIR": t.TempDir(), "CHECKPOINTINTERVAL": "100ms", "POSTTIMEOUT": test.timeout,
			}))
			harness.Wait(t, func() bool { return len(s.accepted()) == fed.Total() }, "the first have arrived")

			s.set(test.fault)
			fed.Add(t, 3, 2)
			harness.Wait(t, func() bool { return s.met() >= 4 }, "the fault is met")
			s.set(nil)
			harness.Wait(t, func() bool { return harness.Distinct(s.accepted()) == fed.Total() }, "all have arrived")
			d.AwaitReady(t)
			d.AwaitAtLeast(t, harness.VerdictSeries("delivered"), float64(fed.Total()))
			d.Stop(t)
			if test.once {
				fed.AssertOnceInOrder(t, s.accepted())
			} else {
				fed.AssertAllInOrder(t, s.accepted())
			}
		})
	}
}

func TestASinkThatRefusesConnectionsLongerThanAllRetriesIsWaitedFor(t *testing.T) {
	t.Parallel()
	hub, address := harness.StartHub(t, 2), harness.FreeAddress(t)
	first := startScriptedSink(t, address)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, first.URL).With(harness.FastRetries()).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	harness.Wait(t, func() bool { return len(first.accepted()) == fed.Total() }, "the first have arrived")
	first.Close()

	fed.Add(t, 3, 2)
	harness.AwaitSinkFailure(t, d)
	second := startScriptedSink(t, address)
	both := func() []string { return append(first.accepted(), second.accepted()...) }
	harness.Wait(t, func() bool { return harness.Distinct(both()) == fed.Total() }, "all have arrived")
	d.AwaitReady(t)
	d.Stop(t)
	fed.AssertAllInOrder(t, both())
}

// The URL is wrong, and the server answers 400 to everything. The first five events may be bad, but the sixth is not.
func TestASinkThatRefusesEverythingIsTakenForTheWrongOne(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), startScriptedSink(t, harness.FreeAddress(t))
	fed := harness.NewFeed(hub)
	s.set(answering(400))
	fed.Add(t, 20, 1)
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.FastRetries()).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	harness.Wait(t, func() bool { return d.Metric(t, "falco_aks_audit_log_events_errors") >= 6 }, "the sixth is held")
	status, why := d.Readyz(t)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, why, "so the endpoint seems to be wrong")
	assert.InDelta(t, 5, d.Metric(t, `aks_audit_log_dead_letters_total{reason="refused"}`), 0)

	s.set(nil)
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(fed.Total()-5))
	d.AwaitReady(t)
	d.Stop(t)
	assert.Equal(t, fed.Sent["0"][5:], s.accepted())
}

// Anyone who may send requests to the API server can cause many audit events in a row that a strict sink refuses.
func TestManyRefusedEventsInARowDoNotStopTheirPartition(t *testing.T) {
	t.Parallel()
	const bad = 60
	hub, s := harness.StartHub(t, 1), startScriptedSink(t, harness.FreeAddress(t))
	s.set(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		for n := range bad {
			if bytes.Contains(body, []byte(harness.AuditID("0", n))) {
				w.WriteHeader(http.StatusBadRequest)
				return false
			}
		}
		return true
	})
	for n := range bad {
		hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", n)))
	}
	good := harness.AuditEvent("0", bad+1000)
	hub.Append("0", harness.AuditHubEvent(t, good))
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), 1)
	assert.InDelta(t, bad, d.Metric(t, `aks_audit_log_dead_letters_total{reason="refused"}`), 0)
	d.AwaitReady(t)
	d.Stop(t)
	assert.Equal(t, []string{good}, s.accepted())
}

// The sink's name leads to an ingress, which answers each POST with its own page.
func TestAWebPageInPlaceOfTheSinkIsGivenNothing(t *testing.T) {
	t.Parallel()
	const events, words = 500, "the sink answered 200 OK: that is a web page, not a webhook: look at host, port and path of WEBSINKURL"
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 2), startScriptedSink(t, harness.FreeAddress(t))
			fed := harness.NewFeed(hub)
			s.set(answeringWithPage("text/html; charset=utf-8"))
			fed.Add(t, events/4, 2)
			require.Equal(t, events, fed.Total())
			environ := harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.FastRetries()).With(harness.Settings{
				"EVENTHUBCLIENT": client, "LOGLEVEL": "info", "CHECKPOINTINTERVAL": "100ms",
			})
			d := harness.StartDaemon(t, environ)
			d.AwaitReason(t, words)
			_, why := d.Readyz(t)
			assert.Contains(t, why, "the sink does not take audit events")
			harness.Wait(t, func() bool { return s.met() >= 6 }, "it is asked again and again")
			assert.Zero(t, d.Metric(t, harness.VerdictSeries("delivered")))
			assert.Zero(t, d.Metric(t, "falco_aks_audit_log_events_success"))
			assert.Contains(t, d.Pages(t), "that is a web page, not a webhook")
			code, lines := runCheck(t, environ)
			assert.Equal(t, 1, code)
			assert.Contains(t, lines["sink"], words)
			assert.Equal(t, 1, strings.Count(d.Output.String(), "sink endpoint seems to be configured wrong: holding the audit event"), "it is logged once")

			s.set(nil)
			harness.AwaitCount(t, events, func() int { return len(s.accepted()) }, "audit events are left to deliver")
			d.AwaitReady(t)
			d.AwaitMetric(t, harness.VerdictSeries("delivered"), events)
			assert.Zero(t, d.Metric(t, harness.VerdictSeries("dead_lettered")))
			assert.Zero(t, d.Metric(t, harness.VerdictSeries("dropped")))
			d.Stop(t)
			fed.AssertOnceInOrder(t, s.accepted())
			assert.Empty(t, deadLetters(t, environ))
		})
	}
}

// Until version 0.31, Falco itself accepted audit events, and answered with a small page.
func TestThePageOfAnOldFalcoIsItsConfirmation(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), startScriptedSink(t, harness.FreeAddress(t))
	s.set(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>Ok</body></html>")
		return true
	})
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(fed.Total()))
	d.AwaitReady(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.accepted())
}

// With Falco's default settings, the sink answers after 45 s under load, and a POST may take 60 s. In this test, it
// answers a few POSTs when the test says so, and the others after the test has looked at the daemon.
func TestASinkThatAnswersSlowlyIsGivenItsTime(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), startScriptedSink(t, harness.FreeAddress(t))
	fed := harness.NewFeed(hub)
	answer := make(chan struct{})
	s.set(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		return true
	})
	fed.Add(t, 60, 3)
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.FastRetries()).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "POSTTIMEOUT": "5m"}))
	catchUp := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(catchUp)
	for accepted := 0; accepted < 12; accepted = len(s.accepted()) {
		answer <- struct{}{}
		harness.Wait(t, func() bool { return len(s.accepted()) > accepted }, "it answers")
	}
	for _, partition := range hub.PartitionIDs() {
		harness.Wait(t, func() bool { return d.Metric(t, harness.LagSeries(partition)) > 0 }, "the lag is shown")
	}
	d.AwaitReady(t) // slow, but it delivers
	catchUp()
	harness.AwaitCount(t, fed.Total(), func() int { return len(s.accepted()) }, "audit events are left to deliver")
	d.AwaitMetric(t, harness.LagSeries("0"), 0)
	assert.Zero(t, d.Metric(t, "falco_aks_audit_log_events_retry"), "no retry")
	assert.Zero(t, d.Metric(t, "aks_audit_log_replayed_events_total"))
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.accepted())
}
