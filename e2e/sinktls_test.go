package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/certtest"
)

// mounted writes a file into a folder of secrets and returns its path.
func mounted(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// startTLSSink is a sink that takes only clients with a certificate of ca.
func startTLSSink(t *testing.T, ca *certtest.Authority) *sink {
	t.Helper()
	s := &sink{status: http.StatusOK}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.take))
	s.TLS = ca.ServerTLS(t, ca)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// All of it at once, from mounted secrets only, as in a cluster with cert-manager.
func TestAllSecretsComeFromFilesAndThoseOfTheSinkAreRenewed(t *testing.T) {
	t.Parallel()
	dir, ca := t.TempDir(), certtest.NewAuthority(t, "sinks")
	s, hub := startTLSSink(t, ca), startHub(t, 1)
	renew := func(name string) {
		certificate, key := ca.Issue(t, name)
		mounted(t, dir, "tls.crt", certificate)
		mounted(t, dir, "tls.key", key)
		mounted(t, dir, "token", []byte(name+"-t0k3n\n"))
	}
	renew("first")
	environ := blobSettings(t, hub, newContainer(t), "")
	for _, name := range []string{"EHUBNAMESPACECONNECTIONSTRING", "BLOBSTORAGECONNECTIONSTRING"} {
		environ[name+"_FILE"] = mounted(t, dir, name, []byte(environ[name]+"\n"))
		delete(environ, name)
	}
	d := startDaemon(t, environ.with(settings{
		"WebSinkURL_FILE": mounted(t, dir, "url", []byte(s.URL+"\n")), "WEBSINKURL": "",
		"WEBSINKCAFILE":   mounted(t, dir, "ca.crt", ca.PEM),
		"WEBSINKCERTFILE": filepath.Join(dir, "tls.crt"), "WEBSINKKEYFILE": filepath.Join(dir, "tls.key"),
		"WEBSINKTOKENFILE": filepath.Join(dir, "token"),
	}))
	deliverAs := func(n int, name string) {
		hub.Append("0", auditHubEvent(t, auditEvent("0", n-1)))
		s.await(t, n)
		assert.Equal(t, name, s.lastRequest().TLS.PeerCertificates[0].Subject.CommonName)
		assert.Equal(t, "Bearer "+name+"-t0k3n", s.lastRequest().Header.Get("Authorization"))
	}
	deliverAs(1, "first")
	// Settled, so that the close is no loss.
	eventually(t, func() bool { return d.out.Contains("checkpoint written") }, "the first audit event is settled")
	renew("second")
	s.CloseClientConnections()
	deliverAs(2, "second")
	shown := d.pages(t)
	d.stop(t)
	assertNoSecrets(t, environ, shown+d.out.String())
	assert.NotContains(t, shown+d.out.String(), "t0k3n")
}

func TestASecretThatIsNotMountedEndsTheDaemonWithItsName(t *testing.T) {
	t.Parallel()
	hub := startHub(t, 1)
	for name, test := range map[string]struct {
		set      settings
		exitCode int
		says     string
	}{
		"a value": {
			settings{"WEBSINKTOKEN_FILE": "/nowhere/token"}, 2,
			`WEBSINKTOKEN cannot be read: WEBSINKTOKEN_FILE is "/nowhere/token": no such file or directory`,
		},
		"a file": {settings{"WEBSINKTOKENFILE": "/nowhere/token"}, 1, "WEBSINKTOKENFILE"},
	} {
		t.Run(name, func(t *testing.T) {
			environ := hubSettings(t, hub, "http://127.0.0.1:1/").with(settings{"CHECKPOINTDIR": t.TempDir()}).with(test.set)
			p, err := startProcess(t.Context(), t.TempDir(), environ.environ(), daemonBinary(t))
			require.NoError(t, err)
			require.NoError(t, p.wait())
			assert.Equal(t, test.exitCode, p.exitCode())
			assert.Contains(t, p.out.String(), test.says)
		})
	}
}
