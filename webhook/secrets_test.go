package webhook

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

const (
	password = "hunter2-hunter2"
	token    = "tok/en-tok/en"
)

// withCredentials returns the URL with a user, a password and a token in its query.
func withCredentials(address string) string {
	return strings.Replace(address, "http://", "http://falco:"+password+"@", 1) + "/k8s-audit?token=tok%2Fen-tok%2Fen"
}

// assertNoSecret checks that no spelling of the secrets is in the log, the metrics, the health or the other texts.
func assertNoSecret(t *testing.T, f *fixture, others ...string) {
	t.Helper()
	_, why := f.health.Ready()
	metrics := httptest.NewRecorder()
	promhttp.HandlerFor(f.reg, promhttp.HandlerOpts{}).ServeHTTP(metrics, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Contains(t, metrics.Body.String(), "falco_aks_audit_log_events")
	logged := f.everything()
	require.Contains(t, logged, "posting audit event", "the debug level was on")
	for _, text := range append(others, logged, why, metrics.Body.String()) {
		for _, secret := range []string{
			password, token, "tok%2Fen-tok%2Fen", "token=",
			base64.StdEncoding.EncodeToString([]byte("falco:" + password)),
		} {
			assert.NotContains(t, text, secret)
		}
	}
}

func TestThePasswordIsSentAsBasicAuthentication(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, withCredentials(sink.URL)))
	_, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	req := http.Request{Header: sink.headers[0]}
	user, pass, ok := req.BasicAuth()
	assert.True(t, ok)
	assert.Equal(t, "falco", user)
	assert.Equal(t, password, pass)
	assert.Equal(t, "POST /k8s-audit?token=tok%2Fen-tok%2Fen", sink.methods[0])
	assertNoSecret(t, f)
}

func TestSecretsAreInNoTextOfAnAnswer(t *testing.T) {
	for name, text := range map[string]func(*http.Request) string{
		"path and query":  func(r *http.Request) string { return "Cannot POST " + r.URL.String() },
		"token":           func(r *http.Request) string { return "bad token " + r.URL.Query().Get("token") },
		"authorization":   func(r *http.Request) string { return r.Header.Get("Authorization") },
		"password":        func(r *http.Request) string { _, p, _ := r.BasicAuth(); return "wrong password " + p },
		"one quoted line": func(r *http.Request) string { return "{\n\"url\": \"" + r.URL.String() + "\"}" },
	} {
		t.Run(name, func(t *testing.T) {
			sink := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere?"+text(r))
				http.Error(w, text(r), http.StatusNotFound)
			})
			f := newFixture(t, nil, at(t, withCredentials(sink.URL), drop))
			outcomes, err := f.Deliver(t.Context(), events(1))
			require.NoError(t, err)
			assert.Equal(t, audit.Dropped, outcomes[0].Verdict)
			assert.Contains(t, outcomes[0].Reason, "404 Not Found")
			assertNoSecret(t, f, outcomes[0].Reason)
		})
	}
}

func TestSecretsAreInNoTransportError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	require.NoError(t, err)
	nobody := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	for name, address := range map[string]string{
		"refused":      nobody,
		"no such host": "http://sink.invalid:1",
		"bad port":     "http://127.0.0.1:99999",
		"reset": serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			hijacked(t, w, "")
		}).URL,
		"echo": serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			hijacked(t, w, "HTTP/1.1 "+r.URL.String()+"\r\n"+r.Header.Get("Authorization")+"\r\n\r\n")
		}).URL,
		"echo in a redirect": serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://%zz/"+r.URL.String())
			w.WriteHeader(http.StatusFound)
		}).URL,
		"timeout": serve(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}).URL,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil, at(t, withCredentials(address), drop, func(cfg *forwarder.Config) {
				cfg.PostTimeout, cfg.PostMaxRetries = 100*time.Millisecond, 1
			}))
			outcomes, err := f.Deliver(t.Context(), events(1))
			require.NoError(t, err)
			assertNoSecret(t, f, outcomes[0].Reason)
		})
	}
}

func TestSecretsAreInNoReturnedError(t *testing.T) {
	sink := serve(t, answering(503))
	f := newFixture(t, nil, at(t, withCredentials(sink.URL)))
	f.poster.Stop()
	_, err := f.Deliver(t.Context(), events(1))
	require.ErrorIs(t, err, ErrStopping)
	assertNoSecret(t, f, err.Error())

	ctx, cancel := context.WithCancel(t.Context())
	hang := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	f = newFixture(t, nil, at(t, withCredentials(hang.URL)))
	_, err = f.Deliver(ctx, events(1))
	require.ErrorIs(t, err, context.Canceled)
	assertNoSecret(t, f, err.Error())
}

// The body must not get into the log from a sink that repeats it in its answer.
func TestAnAnswerThatRepeatsTheEventIsLeftOut(t *testing.T) {
	sink := serve(t, nil)
	sink.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, "cannot use ")
		_ = r.Write(w)
	})
	f := newFixture(t, nil, at(t, sink.URL))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Contains(t, outcomes[0].Reason, "it repeats the audit event")
	assert.NotContains(t, f.everything(), `auditID`)
}
