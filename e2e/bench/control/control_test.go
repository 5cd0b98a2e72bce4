package control

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask gets a page of a part, or sends it a command.
func ask(t *testing.T, method, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func countsOf(t *testing.T, url string) Counts {
	t.Helper()
	var counts Counts
	require.NoError(t, json.NewDecoder(ask(t, http.MethodGet, url).Body).Decode(&counts))
	return counts
}

func TestAPartAnnouncesWhereItTellsWhatItHasSeen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	counter, stdout := &Counter{}, &bytes.Buffer{}
	require.NoError(t, counter.Tell(ctx, stdout, Announcement{URL: "http://sink"}))
	var said Announcement
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &said))
	assert.Equal(t, "http://sink", said.URL)
	page := "http://" + said.Control

	start := time.Unix(1_700_000_000, 0)
	counter.Add(start.Add(time.Second), start.Add(2*time.Second), 22, 1000, []time.Duration{time.Millisecond})
	counter.Add(start, start.Add(time.Second), 3, 10, nil)
	want := Counts{Posts: 2, Events: 25, Bytes: 1010, First: start.UnixNano(), Last: start.Add(2 * time.Second).UnixNano()}
	assert.Equal(t, want, countsOf(t, page+"/counts"), "the first and the last, in whatever order they were counted")
	want.Waits = []time.Duration{time.Millisecond}
	assert.Equal(t, want, countsOf(t, page+"/counts?waits=1"))
	require.Equal(t, http.StatusOK, ask(t, http.MethodPost, page+"/reset").StatusCode)
	assert.Equal(t, Counts{}, countsOf(t, page+"/counts?waits=1"))
}

func TestAPostWithoutAuditEventsIsNeitherFirstNorLast(t *testing.T) {
	counter, start := &Counter{}, time.Unix(1_700_000_000, 0)
	counter.Add(start, start, 0, 60, nil)
	counter.Add(start.Add(time.Second), start.Add(2*time.Second), 22, 1000, nil)
	counter.Add(start.Add(3*time.Second), start.Add(4*time.Second), 0, 60, nil)
	counts := counter.Counts(false)
	assert.Equal(t, start.Add(time.Second).UnixNano(), counts.First)
	assert.Equal(t, start.Add(2*time.Second).UnixNano(), counts.Last)
	assert.Equal(t, int64(3), counts.Posts)
}

func TestARepeatIsAnIDThatCameBefore(t *testing.T) {
	counter := &Counter{}
	counter.Identify([]string{"a", "b"})
	counter.Identify([]string{"b", "c", "b"})
	counter.Identify(nil)
	assert.Equal(t, int64(2), counter.Counts(false).Repeats)
	counter.Reset()
	counter.Identify([]string{"a"})
	assert.Zero(t, counter.Counts(false).Repeats)
}

func TestServingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, wait, err := Serve(ctx, http.NotFoundHandler())
	require.NoError(t, err)
	cancel()
	assert.NoError(t, wait())
}
