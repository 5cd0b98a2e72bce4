package e2e

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

const (
	sinkUser     = "webhook-user"
	sinkPassword = "sink-pass-word-7f3a"
	sinkToken    = "sink-query-token-9c1b"
)

// withPassword puts a user, a password and a token into the sink's URL.
func withPassword(t *testing.T, sinkURL string) string {
	t.Helper()
	u, err := url.Parse(sinkURL)
	require.NoError(t, err)
	u.User = url.UserPassword(sinkUser, sinkPassword)
	u.RawQuery = "token=" + sinkToken
	return u.String()
}

// forbidden is what a daemon with these settings must never show.
func forbidden(s settings) map[string]string {
	secrets := map[string]string{
		"a SAS token":                     "SharedAccessSignature",
		"a signature":                     "sig=",
		"the sink's password":             sinkPassword,
		"the sink's token":                sinkToken,
		"the sink's basic authentication": base64.StdEncoding.EncodeToString([]byte(sinkUser + ":" + sinkPassword)),
		"the hub's connection string":     s["EHUBNAMESPACECONNECTIONSTRING"],
		"the storage's connection string": s["BLOBSTORAGECONNECTIONSTRING"],
		"an audit event's content":        "system:authenticated",
	}
	if strings.Contains(s["WEBSINKURL"], "@") { // else it is no secret
		secrets["the sink's URL"] = s["WEBSINKURL"]
	}
	for name, variable := range map[string]string{"hub": "EHUBNAMESPACECONNECTIONSTRING", "storage": "BLOBSTORAGECONNECTIONSTRING"} {
		if key := keyOf(s[variable]); key != "" {
			secrets["the "+name+"'s key"] = key
			secrets["the "+name+"'s key, encoded"] = url.QueryEscape(key)
		}
	}
	return secrets
}

// keyOf finds the key in a connection string.
func keyOf(connectionString string) string {
	for field := range strings.SplitSeq(connectionString, ";") {
		name, value, _ := strings.Cut(field, "=")
		if name == "SharedAccessKey" || name == "AccountKey" {
			return value
		}
	}
	return ""
}

// assertNoSecrets looks for secrets in all that a daemon shows to anybody.
func assertNoSecrets(t *testing.T, s settings, shown string) {
	t.Helper()
	for what, secret := range forbidden(s) {
		if secret != "" {
			assert.NotContains(t, shown, secret, "%s is shown", what)
		}
	}
}

// pages are what the statistics server shows.
func (d *daemon) pages(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/status.json"} {
		_, body := get(t.Context(), d.stats+path)
		all.WriteString(body)
	}
	return all.String()
}

// wrongKey replaces the key in a connection string by another of the same form.
func wrongKey(connectionString string) string {
	other := base64.StdEncoding.EncodeToString([]byte("not the key, but as secret as it"))
	return strings.Replace(connectionString, keyOf(connectionString), other, 1)
}

func TestNoSecretIsShownAtAnyLevel(t *testing.T) {
	t.Parallel()
	notReady := func(t *testing.T, d *daemon) bool {
		t.Helper()
		status, _ := d.readyz(t)
		return status == 503 && (d.out.Contains(`"level":"warning"`) || d.out.Contains(`"level":"error"`))
	}
	tests := map[string]struct {
		spoil func(s settings, sink *sink, hub *hubtest.Server)
		until func(t *testing.T, d *daemon) bool
	}{
		"all works": {
			spoil: func(settings, *sink, *hubtest.Server) {},
			until: func(t *testing.T, d *daemon) bool { t.Helper(); return d.out.Contains("checkpoint written") },
		},
		"the sink answers 503": {
			spoil: func(_ settings, sink *sink, _ *hubtest.Server) { sink.answer(503) },
			until: notReady,
		},
		"the sink answers 401": {
			spoil: func(_ settings, sink *sink, _ *hubtest.Server) { sink.answer(401) },
			until: notReady,
		},
		"the sink is gone": {
			spoil: func(_ settings, sink *sink, _ *hubtest.Server) { sink.Close() },
			until: notReady,
		},
		"the hub refuses the key": {
			spoil: func(s settings, _ *sink, _ *hubtest.Server) {
				s["EHUBNAMESPACECONNECTIONSTRING"] = wrongKey(s["EHUBNAMESPACECONNECTIONSTRING"])
			},
			until: notReady,
		},
		"the hub refuses connections": {
			spoil: func(_ settings, _ *sink, hub *hubtest.Server) { hub.RefuseConnections(true) },
			until: notReady,
		},
		"the storage refuses the key": {
			spoil: func(s settings, _ *sink, _ *hubtest.Server) {
				s["BLOBSTORAGECONNECTIONSTRING"] = wrongKey(s["BLOBSTORAGECONNECTIONSTRING"])
			},
			until: notReady,
		},
		"the storage is gone": {
			spoil: func(s settings, _ *sink, _ *hubtest.Server) {
				s["BLOBSTORAGECONNECTIONSTRING"] = "DefaultEndpointsProtocol=http;AccountName=" + storageAccount +
					";AccountKey=c2VjcmV0IHN0b3JhZ2Uga2V5;BlobEndpoint=http://127.0.0.1:1/" + storageAccount
			},
			until: notReady,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := startHub(t, 1), startSink(t)
			hub.Append("0", auditHubEvent(t, auditEvent("0", 0)))
			hub.Append("0", []byte(`{"not JSON, but secret": "system:authenticated`))
			environ := blobSettings(t, hub, newContainer(t), withPassword(t, s.URL)).with(impatient()).
				with(settings{"LOGLEVEL": "trace", "CHECKPOINTINTERVAL": "100ms"})
			test.spoil(environ, s, hub)
			d := startDaemon(t, environ)
			eventually(t, func() bool { return test.until(t, d) }, "the daemon has logged what this is about")
			shown := d.pages(t)
			d.stop(t)
			assertNoSecrets(t, environ, shown+d.out.String())
		})
	}
}

func TestTheSinkGetsTheUserAndPasswordOfItsURL(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 1), startSink(t)
	hub.Append("0", auditHubEvent(t, auditEvent("0", 0)))
	startDaemon(t, blobSettings(t, hub, newContainer(t), withPassword(t, s.URL)))
	s.await(t, 1)
	user, password, found := s.lastRequest().BasicAuth()
	assert.True(t, found)
	assert.Equal(t, sinkUser, user)
	assert.Equal(t, sinkPassword, password)
	assert.Equal(t, sinkToken, s.lastRequest().URL.Query().Get("token"))
}
