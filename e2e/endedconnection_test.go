package e2e

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// The daemon closes the connection of a POST that had no answer in time. Over that connection, it cannot notice that
// Falco ends.
func TestAFalcoThatIsReplacedAfterATimeOutLosesNothing(t *testing.T) {
	t.Parallel()
	e := startEndingFalco(t, &harness.FalcoProcesses{Holds: muchOf})
	service := harness.StartService(t, e.old.URL)
	e.startDaemon(t, service.URL, harness.Settings{
		// 2,000 audit events then do not fit in the queue.
		"POSTTIMEOUT": "1s", "POSTRETRYINCREMENTALDELAY": "3000", "POSTBATCHMAXEVENTS": "10",
	})
	e.feed(t, endingFirst+endingThen)
	harness.Wait(t, func() bool { return service.Connections() > 0 }, "the daemon posts")
	next := e.next(t)
	harness.Wait(t, func() bool {
		return service.Connections() == 0 || e.d.Metric(t, `aks_audit_log_sink_losses_total{partition="0"}`) > 0
	}, "a POST has timed out")
	service.PointTo(next.URL)
	require.NoError(t, e.old.Signal(os.Kill))
	e.assertNoneLost(t)
}

// leaving answers as a server that is about to end. Go's client closes the connection after this answer.
func leaving(w http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

func TestAFalcoThatAnswers503AndClosesTheConnectionAsItEndsLosesNothing(t *testing.T) {
	t.Parallel()
	e := startEndingFalco(t, &harness.FalcoProcesses{Pace: slowPace})
	relay := harness.StartRelay(t, e.old.URL, "")
	e.startDaemon(t, relay.SinkURL(), nil)
	e.feedFirst(t)
	next := e.next(t)
	relay.Set(leaving)
	e.feed(t, endingThen)
	harness.Wait(t, func() bool { return relay.Answered() > 0 }, "a POST is answered with 503")
	e.replaceBehind(t, relay, next)
	e.assertNoneLost(t)
}

// replaceBehind replaces Falco behind a relay that belongs to it: their connections end at the same time.
func (e *endingFalco) replaceBehind(t *testing.T, relay *harness.Relay, next *harness.FalcoProcess) {
	t.Helper()
	require.NoError(t, e.old.Signal(os.Kill))
	relay.PointTo(next.URL)
	relay.Set(nil)
	relay.CloseClientConnections()
}

// longAnswer is longer than any answer of a webhook needs to be. A daemon that does not read all of it closes the
// connection.
const longAnswer = 100 << 10

func TestAFalcoThatEndsAfterALongAnswerLosesNothing(t *testing.T) {
	t.Parallel()
	e := startEndingFalco(t, &harness.FalcoProcesses{Pace: slowPace})
	relay := harness.StartRelay(t, e.old.URL, "")
	e.startDaemon(t, relay.SinkURL(), nil)
	e.feedFirst(t)
	next := e.next(t)
	relay.Set(func(w http.ResponseWriter, r *http.Request) bool {
		answer, err := relay.Forward(r)
		if err != nil {
			return false
		}
		defer func() { _ = answer.Body.Close() }()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.WriteString(w, strings.Repeat("x", longAnswer))
		return true
	})
	e.feed(t, endingThen/2)
	harness.Wait(t, func() bool { return relay.Answered() > 0 && e.d.AcceptedEvents(t) > endingFirst }, "a POST has a long answer")
	e.replaceBehind(t, relay, next)
	e.feed(t, endingThen/2)
	e.assertNoneLost(t)
}

// requestTimeOut is what HAProxy sends over a connection that was idle for too long, before HAProxy closes it.
const requestTimeOut = "HTTP/1.1 408 Request Time-out\r\nContent-length: 0\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"

func TestAFalcoThatIsReplacedAfterA408OnAnIdleConnectionLosesNothing(t *testing.T) {
	t.Parallel()
	e := startEndingFalco(t, &harness.FalcoProcesses{Pace: slowPace})
	service := harness.StartService(t, e.old.URL)
	e.startDaemon(t, service.URL, nil)
	next := e.next(t)
	e.feedFirst(t)
	service.AnswerUnasked(t, requestTimeOut)
	service.PointTo(next.URL)
	require.NoError(t, e.old.Signal(os.Kill))
	e.feed(t, endingThen)
	e.assertNoneLost(t)
}
