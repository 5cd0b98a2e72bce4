package e2e

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// patience bounds every wait. It is long because the whole suite shares a small
	// machine with a compiler; a test that passes never waits it out.
	patience = 120 * time.Second
	// pollEvery is how often a condition is looked at.
	pollEvery = 25 * time.Millisecond
)

// testClient keeps no connection, so that none outlives its test.
var testClient = &http.Client{
	Timeout:   10 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// eventually waits until cond holds and fails the test, saying what did not come, if it never does.
func eventually(t *testing.T, cond func() bool, what string, args ...any) {
	t.Helper()
	require.Eventuallyf(t, cond, patience, pollEvery, "waited in vain until "+what, args...)
}

// awaitProgressTo waits until left answers goal. That may take any time, but never may the same be
// left for all of patience.
func awaitProgressTo(t *testing.T, goal int, left func() int, what string) {
	t.Helper()
	now, since := left(), time.Now()
	for now != goal {
		time.Sleep(pollEvery)
		if next := left(); next != now {
			now, since = next, time.Now()
		}
		if time.Since(since) > patience {
			require.Failf(t, "no progress", "for %s %d %s", patience, now, what)
		}
	}
}

// get fetches a page and answers its status and body; a connection that failed is status 0.
func get(ctx context.Context, url string) (status int, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := testClient.Do(req)
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
