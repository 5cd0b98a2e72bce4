package webhook

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/certtest"
)

func TestATokenIsSentWithEachPOST(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL, func(cfg *forwarder.Config) { cfg.SinkToken = "t0k3n-t0k3n" }))
	_, err := f.Deliver(t.Context(), events(2))
	require.NoError(t, err)
	for _, header := range sink.headers {
		assert.Equal(t, "Bearer t0k3n-t0k3n", header.Get("Authorization"))
	}
}

func TestWithoutATokenNoneIsSent(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL))
	_, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.NotContains(t, sink.headers[0], "Authorization")
}

// A sink that refuses the old token gets the event again with the new token, so nothing is lost.
func TestATokenThatIsRenewedReplacesOneThatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("expired\n"), 0o600))
	sink := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer renewed" {
			return
		}
		assert.NoError(t, os.WriteFile(path, []byte("renewed\n"), 0o600))
		w.WriteHeader(http.StatusUnauthorized)
	})
	f := newFixture(t, nil, at(t, sink.URL, func(cfg *forwarder.Config) {
		cfg.SinkTokenFile, cfg.PostRetryDelay = path, time.Millisecond
	}))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Equal(t, delivered(1), outcomes)
	assert.Len(t, sink.headers, 2)
}

func TestATokenIsInNoTextOfAnAnswer(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/"+r.Header.Get("Authorization"))
		http.Error(w, "bad "+r.Header.Get("Authorization"), http.StatusForbidden)
	})
	f := newFixture(t, nil, at(t, sink.URL, drop, func(cfg *forwarder.Config) { cfg.SinkToken = "t0k3n/t0k3n" }))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	for _, text := range []string{outcomes[0].Reason, f.everything()} {
		assert.Contains(t, text, "403 Forbidden")
		assert.NotContains(t, text, "t0k3n")
	}
}

func TestASessionShowsItsCertificateAndTrustsTheFilesAuthority(t *testing.T) {
	ca, dir := certtest.NewAuthority(t, "ours"), t.TempDir()
	certificate, key := ca.Issue(t, "aks-audit-log-go")
	for name, content := range map[string][]byte{"ca.crt": ca.PEM, "tls.crt": certificate, "tls.key": key} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	names := make(chan string, 1)
	sink := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		names <- r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	sink.TLS = ca.ServerTLS(t, ca)
	sink.StartTLS()
	t.Cleanup(sink.Close)
	f := newFixture(t, nil, at(t, sink.URL, drop, func(cfg *forwarder.Config) {
		cfg.PostMaxRetries = 0
		cfg.SinkCAFile = filepath.Join(dir, "ca.crt")
		cfg.SinkCertFile, cfg.SinkKeyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	}))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Equal(t, delivered(1), outcomes)
	assert.Equal(t, "aks-audit-log-go", <-names)
}

func TestACredentialThatCannotBeRenewedIsWarnedOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("t0k3n"), 0o600))
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL, func(cfg *forwarder.Config) { cfg.SinkTokenFile = path }))
	require.NoError(t, os.Remove(path))
	_, err := f.Deliver(t.Context(), events(3))
	require.NoError(t, err)
	assert.Equal(t, "Bearer t0k3n", sink.headers[2].Get("Authorization"))
	assert.Equal(t, []string{"cannot renew a credential for the sink, going on with what was read before"}, f.lines(logrus.WarnLevel))
}

func TestAPosterWhoseFilesCannotBeUsedIsAnError(t *testing.T) {
	log, _ := logtest.NewNullLogger()
	for variable, change := range map[string]func(*forwarder.Config){
		"WEBSINKCAFILE":    func(cfg *forwarder.Config) { cfg.SinkCAFile = "/nowhere" },
		"WEBSINKCERTFILE":  func(cfg *forwarder.Config) { cfg.SinkCertFile, cfg.SinkKeyFile = "/nowhere", "/nowhere" },
		"WEBSINKTOKENFILE": func(cfg *forwarder.Config) { cfg.SinkTokenFile = "/nowhere" },
	} {
		cfg := forwarder.Config{SinkURL: &url.URL{Scheme: "https", Host: "falco"}}
		change(&cfg)
		_, err := New(cfg, metrics.NewStatistics(prometheus.NewRegistry(), "test", time.Now), health.NewHealth(), log)
		require.ErrorIs(t, err, os.ErrNotExist)
		assert.ErrorContains(t, err, variable)
	}
}
