package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faultySink is a webhook with a fault that can be set and mended.
type faultySink struct {
	*httptest.Server

	mu     sync.Mutex
	fault  sinkFault
	events []string // those that it accepted
	faults int      // POSTs that met a fault
}

// sinkFault is what a sink does with a POST, and whether it has accepted it then.
type sinkFault func(w http.ResponseWriter, r *http.Request) (accepted bool)

// startFaultySink serves at the address, without a fault.
func startFaultySink(t *testing.T, address string) *faultySink {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	s := &faultySink{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.take))
	require.NoError(t, s.Listener.Close())
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *faultySink) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	fault := s.fault
	if fault != nil {
		s.faults++
	}
	s.mu.Unlock()
	if fault != nil && !fault(w, r) {
		return
	}
	events, err := eventsOf(body)
	if err != nil {
		events = []string{"no JSON: " + err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events...)
}

// set sets a fault, nil mends it.
func (s *faultySink) set(fault sinkFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *faultySink) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// met is how many POSTs have met a fault.
func (s *faultySink) met() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// answering is a sink that answers so.
func answering(status int, header ...string) sinkFault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return false
	}
}

// neverAnswering keeps a POST until the client hangs up.
func neverAnswering(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return false
}

// resettingAmidTheAnswer accepts and dies with its words in its mouth.
func resettingAmidTheAnswer(w http.ResponseWriter, _ *http.Request) bool {
	reset(w, true)
	return true
}

// resettingBeforeTheAnswer takes a POST, and whether it has used it nobody knows.
func resettingBeforeTheAnswer(w http.ResponseWriter, _ *http.Request) bool {
	reset(w, false)
	return false
}

func TestEachFaultOfTheSinkIsGotOverWithoutLoss(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault sinkFault
		// once: nothing is sent again that the sink has accepted.
		once bool
	}{
		"it answers 500":                      {answering(500), true},
		"it answers 429 with Retry-After":     {answering(429, "Retry-After", "1"), true},
		"it answers 401":                      {answering(401), true},
		"it answers 404":                      {answering(404), true},
		"it never answers":                    {neverAnswering, false},
		"it resets the connection":            {resettingBeforeTheAnswer, false},
		"it resets the connection, answering": {resettingAmidTheAnswer, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := startHub(t, 2), startFaultySink(t, freeAddress(t))
			fed := newFeed(hub)
			fed.add(t, 3, 2)
			d := startDaemon(t, hubSettings(t, hub, s.URL).with(impatient()).with(settings{
				"CHECKPOINTDIR": t.TempDir(), "CHECKPOINTINTERVAL": "100ms", "POSTTIMEOUT": "2s",
			}))
			eventually(t, func() bool { return len(s.accepted()) == fed.total() }, "the first have arrived")

			s.set(test.fault)
			fed.add(t, 3, 2)
			eventually(t, func() bool { return s.met() >= 4 }, "the fault is met")
			s.set(nil)
			eventually(t, func() bool { return distinct(s.accepted()) == fed.total() }, "all have arrived")
			d.awaitReady(t)
			d.awaitMetric(t, verdicts("delivered"), float64(fed.total()))
			d.stop(t)
			if test.once {
				fed.assertOnceInOrder(t, s.accepted())
			} else {
				fed.assertAllInOrder(t, s.accepted())
			}
		})
	}
}

func TestASinkThatRefusesConnectionsLongerThanAllRetriesIsWaitedFor(t *testing.T) {
	t.Parallel()
	hub, address := startHub(t, 2), freeAddress(t)
	first := startFaultySink(t, address)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	d := startDaemon(t, hubSettings(t, hub, first.URL).with(impatient()).with(settings{"CHECKPOINTDIR": t.TempDir()}))
	eventually(t, func() bool { return len(first.accepted()) == fed.total() }, "the first have arrived")
	first.Close()

	fed.add(t, 3, 2)
	awaitSinkFailure(t, d)
	second := startFaultySink(t, address)
	both := func() []string { return append(first.accepted(), second.accepted()...) }
	eventually(t, func() bool { return distinct(both()) == fed.total() }, "all have arrived")
	d.awaitReady(t)
	d.stop(t)
	fed.assertAllInOrder(t, both())
}

// The URL is wrong, and what is there answers 400 whatever it gets: the first five may be bad
// events, the sixth is not.
func TestASinkThatRefusesEverythingIsTakenForTheWrongOne(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 1), startFaultySink(t, freeAddress(t))
	fed := newFeed(hub)
	s.set(answering(400))
	fed.add(t, 20, 1)
	d := startDaemon(t, hubSettings(t, hub, s.URL).with(impatient()).with(settings{"CHECKPOINTDIR": t.TempDir()}))
	eventually(t, func() bool { return d.metric(t, "falco_aks_audit_log_events_errors") >= 6 }, "the sixth is held")
	status, why := d.readyz(t)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, why, "so the endpoint seems to be wrong")
	assert.InDelta(t, 5, d.metric(t, `aks_audit_log_dead_letters_total{reason="refused"}`), 0)

	s.set(nil)
	d.awaitMetric(t, verdicts("delivered"), float64(fed.total()-5))
	d.awaitReady(t)
	d.stop(t)
	assert.Equal(t, fed.sent["0"][5:], s.accepted())
}

// Falco's default settings make it answer after 45 s under load, of the 60 s that a POST has. Here
// it is 300 ms of 5 s, so that a slow machine does not make it a time-out.
func TestASinkThatAnswersSlowlyIsGivenItsTime(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startFaultySink(t, freeAddress(t))
	fed := newFeed(hub)
	s.set(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-time.After(300 * time.Millisecond):
		case <-r.Context().Done():
		}
		return true
	})
	fed.add(t, 60, 3)
	d := startDaemon(t, hubSettings(t, hub, s.URL).with(impatient()).with(settings{"CHECKPOINTDIR": t.TempDir(), "POSTTIMEOUT": "5s"}))
	eventually(t, func() bool { return len(s.accepted()) >= 12 }, "it answers")
	assert.Positive(t, d.metric(t, `aks_audit_log_partition_lag_events{partition="0"}`), "the lag is shown")
	status, why := d.readyz(t)
	assert.Equal(t, http.StatusOK, status, "it is slow, but delivers: %s", why)

	s.set(nil)
	eventually(t, func() bool { return len(s.accepted()) >= fed.total() }, "it has caught up")
	d.awaitMetric(t, `aks_audit_log_partition_lag_events{partition="0"}`, 0)
	assert.Zero(t, d.metric(t, "falco_aks_audit_log_events_retry"), "no retry")
	assert.Zero(t, d.metric(t, "aks_audit_log_replayed_events_total"))
	d.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}
