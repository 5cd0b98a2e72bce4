package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// behind starts a sink whose answers have these headers, as if they came through a proxy.
func behind(t *testing.T, status int, header ...string) *httptest.Server {
	t.Helper()
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(sink.Close)
	return sink
}

func TestWhoAnswersInPlaceOfFalcoIsNotedOnce(t *testing.T) {
	sink := behind(t, http.StatusOK, "Server: istio-envoy")
	address, err := url.Parse(strings.Replace(sink.URL, "http://", "http://user:s3cr3t@", 1))
	require.NoError(t, err)
	f := newFixture(t, nil, func(cfg *forwarder.Config) { cfg.SinkURL = address })
	for range 3 { // each in a session of its own
		_, err := f.Deliver(t.Context(), events(2))
		require.NoError(t, err)
	}
	warnings := f.lines(logrus.WarnLevel)
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "the connection ends at istio-envoy, not at Falco: a restart of Falco can lose up to 50 requests")
	assert.Contains(t, warnings[0], `excludeOutboundPorts: "`+address.Port()+`"`)
	assert.Equal(t, "istio-envoy", f.poster.stats.Intermediary())
	assert.Contains(t, f.poster.health.Remarks().Intermediary, "the connection ends at istio-envoy, not at Falco")
	assert.NotContains(t, f.everything(), "s3cr3t")
}

func TestAProxyThatAnswersItselfIsNotedToo(t *testing.T) {
	sink := behind(t, http.StatusServiceUnavailable, "Via: 1.1 s3cr3t")
	address, err := url.Parse(strings.Replace(sink.URL, "http://", "http://user:s3cr3t@", 1))
	require.NoError(t, err)
	f := newFixture(t, nil, func(cfg *forwarder.Config) { cfg.SinkURL, cfg.PostMaxRetries = address, 0; drop(cfg) })
	_, err = f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.NotEmpty(t, f.poster.stats.Intermediary())
	assert.NotContains(t, f.everything()+f.poster.stats.Intermediary(), "s3cr3t")
}

func TestAHeaderThatRepeatsASecretIsNotShown(t *testing.T) {
	long := strings.Repeat("s3cr3t", 20) // longer than the shown part of a name
	for _, header := range []string{"Via: 1.1 " + long, "Server: " + long, "Server: s3cr3t/t0k3n", "Via: 1.1 t0k3n"} {
		sink := behind(t, http.StatusOK, header)
		address, err := url.Parse(sink.URL + "?key=" + long + "&other=s3cr3t/t0k3n")
		require.NoError(t, err)
		f := newFixture(t, nil, func(cfg *forwarder.Config) { cfg.SinkURL, cfg.SinkToken = address, "t0k3n" })
		_, err = f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		_, err = f.poster.Check(t.Context())
		require.ErrorContains(t, err, "the connection ends at a proxy, not at Falco")
		assert.Equal(t, "a proxy", f.poster.stats.Intermediary())
		for _, secret := range []string{"s3cr3t", "t0k3n"} {
			assert.NotContains(t, f.everything()+err.Error(), secret, header)
		}
	}
}

func TestFalcoItselfIsNotNoted(t *testing.T) {
	address, err := url.Parse(behind(t, http.StatusOK).URL)
	require.NoError(t, err)
	f := newFixture(t, nil, func(cfg *forwarder.Config) { cfg.SinkURL = address })
	_, err = f.Deliver(t.Context(), events(2))
	require.NoError(t, err)
	assert.Empty(t, f.lines(logrus.WarnLevel))
	assert.Empty(t, f.poster.stats.Intermediary())
}

func TestACheckFindsWhoStandsBetween(t *testing.T) {
	for header, want := range map[string]string{
		"Server: istio-envoy": "the connection ends at istio-envoy, not at Falco",
		"Via: 1.1 gateway":    "the connection ends at 1.1 gateway, not at Falco",
		"Via: 1.1 s3cr3t":     "not at Falco",
	} {
		sink := behind(t, http.StatusOK, header)
		_, err := checkSink(t, strings.Replace(sink.URL, "http://", "http://user:s3cr3t@", 1), failAfter)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "answered 200")
		require.ErrorContains(t, err, "ignore this if the sink is of another kind")
		assert.NotContains(t, err.Error(), "s3cr3t")
	}
}

func TestACheckSaysThatASmallBodyTookLong(t *testing.T) {
	for took, mind := range map[time.Duration]bool{900 * time.Millisecond: false, 1100 * time.Millisecond: true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, &script{answer: func(int, *http.Request) (*http.Response, error) {
				<-time.After(took)
				return saying(http.StatusOK)
			}}, nil)
			found, err := f.poster.Check(t.Context())
			require.NoError(t, err)
			assert.Equal(t, mind, strings.Contains(found, "set useAsync: false"), found)
		})
	}
}
