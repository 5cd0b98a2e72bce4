package harness

import (
	"context"
	"io"
	"net/http"
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
	// WaitLimit bounds every wait. It is long because the whole suite shares a small machine with a
	// compiler. A test that passes never takes that long.
	WaitLimit = 120 * time.Second
	// PollEvery is the time between two checks of a condition.
	PollEvery = 25 * time.Millisecond
)

// HTTPClient keeps no connection open, so that none outlives its test.
var HTTPClient = &http.Client{
	Timeout:   10 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// Wait waits until cond is true. If it never is, the test fails with the text that says what was
// expected.
func Wait(t *testing.T, cond func() bool, what string, args ...any) {
	t.Helper()
	require.Eventuallyf(t, cond, WaitLimit, PollEvery, "this did not happen: "+what, args...)
}

// WaitWithProgress waits until left returns goal. That may take any time, as long as the value changes
// within WaitLimit.
func WaitWithProgress(t *testing.T, goal int, left func() int, what string) {
	t.Helper()
	now, since := left(), time.Now()
	for now != goal {
		time.Sleep(PollEvery)
		if next := left(); next != now {
			now, since = next, time.Now()
		}
		if time.Since(since) > WaitLimit {
			require.Failf(t, "no progress", "for %s %d %s", WaitLimit, now, what)
		}
	}
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
