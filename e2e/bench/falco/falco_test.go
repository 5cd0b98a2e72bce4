package main

import (
	"bufio"
	"bytes"
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
	"aks-audit-log-go/e2e/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func request(t *testing.T, method, url string, body []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestWhatComesOutOfThePluginIsCounted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdout, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, w) }()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	var said control.Announcement
	require.NoError(t, json.Unmarshal(line, &said))

	require.Equal(t, http.StatusOK, request(t, http.MethodPost, said.URL, load.EventList(300)).StatusCode)
	var counts control.Counts
	require.Eventually(t, func() bool {
		require.NoError(t, json.NewDecoder(request(t, http.MethodGet, "http://"+said.Control+"/counts", nil).Body).Decode(&counts))
		return counts.Events >= 300
	}, time.Minute, 20*time.Millisecond)
	assert.EqualValues(t, 300, counts.Events)
	assert.Greater(t, counts.Bytes, int64(300*700))
	cancel()
	assert.NoError(t, <-ended)
}
