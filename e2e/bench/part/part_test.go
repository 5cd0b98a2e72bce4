package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aks-audit-log-go/e2e/bench/control"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// azeventhubs' Close of a consumer does not close its link to $management, whose claim is
		// renewed for ever.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"))
}

// start runs a part until the end of the test, which it must survive.
func start(t *testing.T, args ...string) control.Announcement {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stdout, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, w)
		_ = w.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended, "%v", args)
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err, "%v", args)
	var said control.Announcement
	require.NoError(t, json.Unmarshal(line, &said))
	return said
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func command(t *testing.T, part control.Announcement, method, page string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+part.Control+page, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func await(t *testing.T, part control.Announcement, events int64) control.Counts {
	t.Helper()
	var counts control.Counts
	require.Eventually(t, func() bool {
		require.NoError(t, json.NewDecoder(command(t, part, http.MethodGet, "/counts?waits=1").Body).Decode(&counts))
		return counts.Events >= events
	}, time.Minute, 20*time.Millisecond, "%d audit events", events)
	require.Equal(t, events, counts.Events)
	return counts
}

func fill(t *testing.T, hub control.Announcement, page string) {
	t.Helper()
	require.Equal(t, http.StatusOK, command(t, hub, http.MethodPost, page).StatusCode)
}

func TestTheStraightLoopPostsAllThatTheHubHolds(t *testing.T) {
	hub, sink := start(t, "hub", "-partitions", "2"), start(t, "sink")
	fill(t, hub, "/fill?hubEvents=5&records=22")
	start(t, "straight", "-connection", hub.Plain, "-hub", hub.Hub, "-url", sink.URL, "-events", "10")
	counts := await(t, sink, 5*22)
	assert.GreaterOrEqual(t, counts.Posts, int64(11), "10 audit events a POST, at the most")
	assert.Empty(t, counts.Waits)
	assert.LessOrEqual(t, counts.First, counts.Last)
}

func TestTheSinkTellsHowLongWhatIsPacedWasOnItsWay(t *testing.T) {
	hub, sink := start(t, "hub"), start(t, "sink")
	start(t, "straight", "-connection", hub.Plain, "-hub", hub.Hub, "-url", sink.URL)
	began := time.Now()
	fill(t, hub, "/pace?hubEvents=8&records=3&every=5ms")
	assert.GreaterOrEqual(t, time.Since(began), 7*5*time.Millisecond, "it keeps the pace")
	counts := await(t, sink, 8*3)
	require.Len(t, counts.Waits, 8*3)
	for _, wait := range counts.Waits {
		assert.Positive(t, wait)
		assert.Less(t, wait, time.Since(began))
	}
}

func TestASinkCountsWhatComesAgain(t *testing.T) {
	hub, sink := start(t, "hub", "-partitions", "2"), start(t, "sink")
	fill(t, hub, "/pace?hubEvents=5&records=3&every=1ms")
	for n := range 3 { // each loop reads all from the beginning
		start(t, "straight", "-connection", hub.Plain, "-hub", hub.Hub, "-url", sink.URL)
		counts := await(t, sink, int64(n+1)*15)
		assert.Equal(t, int64(n*15), counts.Repeats)
	}
	fill(t, sink, "/reset")
	fill(t, hub, "/pace?hubEvents=1&records=3&every=1ms")
	assert.Equal(t, int64(6), await(t, sink, 9).Repeats, "three loops read it")
}

func TestABacklogMayHaveAnotherShape(t *testing.T) {
	hub, sink := start(t, "hub", "-partitions", "1"), start(t, "sink")
	fill(t, hub, "/fill?hubEvents=2&records=3&size=16384")
	start(t, "straight", "-connection", hub.Plain, "-hub", hub.Hub, "-url", sink.URL)
	assert.Greater(t, await(t, sink, 6).Bytes, int64(6*16_000))
}

func TestDiscardCountsWhatItReceives(t *testing.T) {
	hub := start(t, "hub")
	fill(t, hub, "/fill?hubEvents=9&records=22")
	await(t, start(t, "discard", "-connection", hub.Plain, "-hub", hub.Hub), 9*22)
}

func TestPostPostsAsOftenAsItIsTold(t *testing.T) {
	sink := start(t, "sink", "-delay", "1ms")
	start(t, "post", "-url", sink.URL, "-posts", "7", "-events", "30", "-connections", "3")
	assert.Equal(t, int64(7), await(t, sink, 7*30).Posts)
}

func TestAPartThatDoesNotExistIsAnError(t *testing.T) {
	assert.Error(t, run(t.Context(), []string{"moon"}, io.Discard))
	assert.Error(t, run(t.Context(), nil, io.Discard))
	assert.Error(t, run(t.Context(), []string{"sink", "-colour", "red"}, io.Discard))
}

func TestAHubRefusesACommandThatItCannotRead(t *testing.T) {
	hub := start(t, "hub")
	for _, page := range []string{"/fill?hubEvents=x&records=1", "/fill?hubEvents=1", "/fill?hubEvents=1&records=1&size=x", "/pace?hubEvents=1&records=1&every=soon"} {
		assert.Equal(t, http.StatusBadRequest, command(t, hub, http.MethodPost, page).StatusCode, page)
	}
}
