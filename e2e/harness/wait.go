package harness

import (
	"context"
	"io"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Pause waits for a time or until ctx is done.
func Pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

const (
	// WaitLimit bounds each wait. It is long because the whole suite may share a small machine with others. A test
	// that succeeds never waits that long.
	WaitLimit = 5 * time.Minute
	// shutdownTimeout is the SHUTDOWNTIMEOUT of HubSettings. A stop waits until the sink has confirmed what it
	// accepted, which takes 52 times as long as the sink's slow answers. On a busy machine, that is longer than the
	// default, and the last events would be redelivered.
	shutdownTimeout = 5 * time.Minute
	// PollEvery is the time between two checks of a condition.
	PollEvery = 25 * time.Millisecond
)

// HTTPClient keeps no connection open, so that no connection outlives its test.
var HTTPClient = &http.Client{
	Timeout:   WaitLimit,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// Wait waits until cond is true. If it does not become true, the test fails with a text that says what was expected.
func Wait(t *testing.T, cond func() bool, what string, args ...any) {
	t.Helper()
	require.Eventuallyf(t, cond, WaitLimit, PollEvery, "this did not happen: "+what, args...)
}

// WaitWithProgress waits until left returns goal. It may take any time if the value changes at least once per
// WaitLimit.
func WaitWithProgress(t *testing.T, goal int, left func() int, what string) {
	t.Helper()
	poll := time.NewTicker(PollEvery)
	defer poll.Stop()
	now, since := left(), time.Now()
	for now != goal {
		<-poll.C
		if next := left(); next != now {
			now, since = next, time.Now()
		}
		if time.Since(since) > WaitLimit {
			require.Failf(t, "no progress", "for %s %d %s", WaitLimit, now, what)
		}
	}
}

// AwaitCount waits until count returns at least n. It may take any time while the count grows.
func AwaitCount(t *testing.T, n int, count func() int, what string) {
	t.Helper()
	WaitWithProgress(t, 0, func() int { return max(0, n-count()) }, what)
}

// Overtime returns how much longer than its own timers allow a daemon may take now. It is twenty times as long as
// starting the daemon's binary and waiting for its end. That is about a second if the machine is not busy.
func Overtime(ctx context.Context) time.Duration {
	binary, err := raceBinaryOnce()
	if err != nil {
		return 0 // the test has no daemon to check
	}
	began := time.Now()
	_ = exec.CommandContext(ctx, binary, "version").Run()
	return 20 * time.Since(began)
}

// Get fetches a page and returns its status and body. The status is 0 if the connection fails.
func Get(ctx context.Context, url string) (status int, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := HTTPClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(page)
}
