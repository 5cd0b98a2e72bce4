package profiles

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// get returns the status and the body of an answer.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode, string(text)
}

func TestTheServerServesProfilesUntilItIsClosed(t *testing.T) {
	server, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	for path, part := range map[string]string{
		"": "full goroutine stack dump", "heap?debug=1": "heap profile:", "goroutine?debug=1": "goroutine profile:",
		"cmdline": "profiles.test", "symbol": "num_symbols",
	} {
		status, body := get(t, "http://"+server.Addr()+"/debug/pprof/"+path)
		assert.Equal(t, http.StatusOK, status, path)
		assert.Contains(t, body, part, path)
	}
	status, _ := get(t, "http://"+server.Addr()+"/metrics")
	assert.Equal(t, http.StatusNotFound, status)
	server.Close()
	require.NoError(t, <-ended)
}

func TestAPortInUseIsAnErrorAtOnce(t *testing.T) {
	first, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	defer first.Close()
	_, err = Listen(t.Context(), first.Addr())
	require.ErrorContains(t, err, "listen for profiles on "+first.Addr()+": ")
	assert.ErrorContains(t, err, "address already in use")
}

func TestAServerThatNeverServedCanBeClosed(t *testing.T) {
	server, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	server.Close()
	again, err := Listen(t.Context(), server.Addr())
	require.NoError(t, err)
	again.Close()
}
