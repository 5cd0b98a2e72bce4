package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/certtest"
)

// mounted writes a file into a folder of secrets, and returns its path.
func mounted(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// The test uses everything at once, only from mounted secrets, as in a cluster with cert-manager.
func TestAllSecretsComeFromFilesAndThoseOfTheSinkAreRenewed(t *testing.T) {
	t.Parallel()
	dir, ca := t.TempDir(), certtest.NewAuthority(t, "sinks")
	s, hub := harness.StartTLSSink(t, ca), harness.StartHub(t, 1)
	renew := func(name string) {
		certificate, key := ca.Issue(t, name)
		mounted(t, dir, "tls.crt", certificate)
		mounted(t, dir, "tls.key", key)
		mounted(t, dir, "token", []byte(name+"-t0k3n\n"))
	}
	renew("first")
	environ := harness.BlobSettings(t, hub, harness.NewBlobs(t), "")
	for _, name := range []string{"EHUBNAMESPACECONNECTIONSTRING", "BLOBSTORAGECONNECTIONSTRING"} {
		environ[name+"_FILE"] = mounted(t, dir, name, []byte(environ[name]+"\n"))
		delete(environ, name)
	}
	d := harness.StartDaemon(t, environ.With(harness.Settings{
		"WebSinkURL_FILE": mounted(t, dir, "url", []byte(s.URL+"\n")), "WEBSINKURL": "",
		"WEBSINKCAFILE":   mounted(t, dir, "ca.crt", ca.PEM),
		"WEBSINKCERTFILE": filepath.Join(dir, "tls.crt"), "WEBSINKKEYFILE": filepath.Join(dir, "tls.key"),
		"WEBSINKTOKENFILE": filepath.Join(dir, "token"),
	}))
	deliverAs := func(n int, name string) {
		hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", n-1)))
		s.Await(t, n)
		assert.Equal(t, name, s.LastRequest().TLS.PeerCertificates[0].Subject.CommonName)
		assert.Equal(t, "Bearer "+name+"-t0k3n", s.LastRequest().Header.Get("Authorization"))
	}
	deliverAs(1, "first")
	// The audit event is confirmed, so closing the connection loses nothing.
	harness.Wait(t, func() bool { return d.Output.Contains("checkpoint written") }, "the first audit event is confirmed")
	renew("second")
	s.CloseClientConnections()
	deliverAs(2, "second")
	shown := d.Pages(t)
	d.Stop(t)
	assertNoSecrets(t, environ, shown+d.Output.String())
	assert.NotContains(t, shown+d.Output.String(), "t0k3n")
}

func TestASecretThatIsNotMountedEndsTheDaemonWithItsName(t *testing.T) {
	t.Parallel()
	hub := harness.StartHub(t, 1)
	for name, test := range map[string]struct {
		set      harness.Settings
		exitCode int
		says     string
	}{
		"a value": {
			harness.Settings{"WEBSINKTOKEN_FILE": "/nowhere/token"}, 2,
			`WEBSINKTOKEN cannot be read: WEBSINKTOKEN_FILE is "/nowhere/token": no such file or directory`,
		},
		"a file": {harness.Settings{"WEBSINKTOKENFILE": "/nowhere/token"}, 1, "WEBSINKTOKENFILE"},
	} {
		t.Run(name, func(t *testing.T) {
			environ := harness.HubSettings(t, hub, "http://127.0.0.1:1/").With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}).With(test.set)
			p, err := harness.StartProcess(t.Context(), t.TempDir(), environ.Environ(), harness.RaceBinary(t))
			require.NoError(t, err)
			require.NoError(t, p.Wait())
			assert.Equal(t, test.exitCode, p.ExitCode())
			assert.Contains(t, p.Output.String(), test.says)
		})
	}
}
