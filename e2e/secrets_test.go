package e2e

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

const (
	sinkUser     = "webhook-user"
	sinkPassword = "sink-pass-word-7f3a"
	sinkToken    = "sink-query-token-9c1b"
)

// withPassword adds a user, a password and a token to the URL of the sink.
func withPassword(t *testing.T, sinkURL string) string {
	t.Helper()
	u, err := url.Parse(sinkURL)
	require.NoError(t, err)
	u.User = url.UserPassword(sinkUser, sinkPassword)
	u.RawQuery = "token=" + sinkToken
	return u.String()
}

// forbidden returns what a daemon with these settings must never show.
func forbidden(s harness.Settings) map[string]string {
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
	if strings.Contains(s["WEBSINKURL"], "@") { // without it, the URL is no secret
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

// keyOf returns the key of a connection string.
func keyOf(connectionString string) string {
	for field := range strings.SplitSeq(connectionString, ";") {
		name, value, _ := strings.Cut(field, "=")
		if name == "SharedAccessKey" || name == "AccountKey" {
			return value
		}
	}
	return ""
}

// assertNoSecrets asserts that the output of a daemon contains no secret.
func assertNoSecrets(t *testing.T, s harness.Settings, shown string) {
	t.Helper()
	for what, secret := range forbidden(s) {
		if secret != "" {
			assert.NotContains(t, shown, secret, "%s is shown", what)
		}
	}
}

// wrongKey replaces the key of a connection string by another one of the same form.
func wrongKey(connectionString string) string {
	other := base64.StdEncoding.EncodeToString([]byte("not the key, but as secret as it"))
	return strings.Replace(connectionString, keyOf(connectionString), other, 1)
}

func TestNoSecretIsShownAtAnyLevel(t *testing.T) {
	t.Parallel()
	notReady := func(t *testing.T, d *harness.Daemon) bool {
		t.Helper()
		status, _ := d.Readyz(t)
		return status == 503 && (d.Output.Contains(`"level":"warn"`) || d.Output.Contains(`"level":"error"`))
	}
	tests := map[string]struct {
		spoil func(s harness.Settings, sink *harness.Sink, hub *hubtest.Server)
		until func(t *testing.T, d *harness.Daemon) bool
	}{
		"all works": {
			spoil: func(harness.Settings, *harness.Sink, *hubtest.Server) {},
			until: func(t *testing.T, d *harness.Daemon) bool { t.Helper(); return d.Output.Contains("checkpoint written") },
		},
		"the sink answers 503": {
			spoil: func(_ harness.Settings, sink *harness.Sink, _ *hubtest.Server) { sink.AnswerWith(503) },
			until: notReady,
		},
		"the sink answers 401": {
			spoil: func(_ harness.Settings, sink *harness.Sink, _ *hubtest.Server) { sink.AnswerWith(401) },
			until: notReady,
		},
		"the sink is gone": {
			spoil: func(_ harness.Settings, sink *harness.Sink, _ *hubtest.Server) { sink.Close() },
			until: notReady,
		},
		"the hub refuses the key": {
			spoil: func(s harness.Settings, _ *harness.Sink, _ *hubtest.Server) {
				s["EHUBNAMESPACECONNECTIONSTRING"] = wrongKey(s["EHUBNAMESPACECONNECTIONSTRING"])
			},
			until: notReady,
		},
		"the hub refuses connections": {
			spoil: func(_ harness.Settings, _ *harness.Sink, hub *hubtest.Server) { hub.RefuseConnections(true) },
			until: notReady,
		},
		"the storage refuses the key": {
			spoil: func(s harness.Settings, _ *harness.Sink, _ *hubtest.Server) {
				s["BLOBSTORAGECONNECTIONSTRING"] = wrongKey(s["BLOBSTORAGECONNECTIONSTRING"])
			},
			until: notReady,
		},
		"the storage is gone": {
			spoil: func(s harness.Settings, _ *harness.Sink, _ *hubtest.Server) {
				s["BLOBSTORAGECONNECTIONSTRING"] = "DefaultEndpointsProtocol=http;AccountName=" + harness.StorageAccount +
					";AccountKey=c2VjcmV0IHN0b3JhZ2Uga2V5;BlobEndpoint=http://127.0.0.1:1/" + harness.StorageAccount
			},
			until: notReady,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 1), harness.StartSink(t)
			hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
			hub.Append("0", []byte(`{"not JSON, but secret": "system:authenticated`))
			environ := harness.BlobSettings(t, hub, harness.NewBlobs(t), withPassword(t, s.URL)).With(harness.FastRetries()).
				With(harness.Settings{"LOGLEVEL": "trace", "CHECKPOINTINTERVAL": "100ms"})
			test.spoil(environ, s, hub)
			d := harness.StartDaemon(t, environ)
			harness.Wait(t, func() bool { return test.until(t, d) }, "the daemon has logged what this is about")
			shown := d.Pages(t)
			d.Stop(t)
			assertNoSecrets(t, environ, shown+d.Output.String())
		})
	}
}

func TestTheSinkGetsTheUserAndPasswordOfItsURL(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), withPassword(t, s.URL)))
	s.Await(t, 1)
	user, password, found := s.LastRequest().BasicAuth()
	assert.True(t, found)
	assert.Equal(t, sinkUser, user)
	assert.Equal(t, sinkPassword, password)
	assert.Equal(t, sinkToken, s.LastRequest().URL.Query().Get("token"))
}
