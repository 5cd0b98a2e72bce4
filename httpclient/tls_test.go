package httpclient

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/certtest"
)

// secret is a folder with the files of a mounted Secret, and the warnings about them.
type secret struct {
	t     *testing.T
	files TLSFiles

	mu       sync.Mutex
	warnings []string
}

func newSecret(t *testing.T) *secret {
	t.Helper()
	dir := t.TempDir()
	return &secret{t: t, files: TLSFiles{
		CA: filepath.Join(dir, "ca.crt"), Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"),
	}}
}

func (s *secret) write(path string, content []byte) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(path, content, 0o600))
}

// issue writes a certificate signed by ca, and its key.
func (s *secret) issue(ca *certtest.Authority, name string) {
	s.t.Helper()
	certificate, key := ca.Issue(s.t, name)
	s.write(s.files.Certificate, certificate)
	s.write(s.files.Key, key)
}

func (s *secret) warn(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warnings = append(s.warnings, err.Error())
}

func (s *secret) warned() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.warnings...)
}

func (s *secret) client(watcher Watcher) *http.Client {
	s.t.Helper()
	loaded, err := LoadTLS(s.files, s.warn)
	require.NoError(s.t, err)
	return client(s.t, Options{KeepAlive: true, Watcher: watcher, TLS: loaded})
}

// tlsServer starts a server that answers with the name in the client's certificate.
func tlsServer(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, shown := range r.TLS.PeerCertificates {
			w.Header().Add("X-Client", shown.Subject.CommonName)
		}
	}))
	srv.Config.ErrorLog = discardLog()
	srv.TLS = config
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// shown posts, and returns the name in the certificate that the server saw.
func shown(t *testing.T, c *http.Client, srv *httptest.Server) string {
	t.Helper()
	resp, err := post(t.Context(), c, srv.URL, "{}")
	require.NoError(t, err)
	return resp.Header.Get("X-Client")
}

func TestAServerOfAnAuthorityInTheFileIsTrusted(t *testing.T) {
	for name, watcher := range map[string]Watcher{"watched": newRecordingWatcher(), "not watched": nil} {
		t.Run(name, func(t *testing.T) {
			ca, s := certtest.NewAuthority(t, "ours"), newSecret(t)
			s.write(s.files.CA, ca.PEM)
			s.files.Certificate, s.files.Key = "", ""
			c := s.client(watcher)
			assert.Empty(t, shown(t, c, tlsServer(t, ca.ServerTLS(t, nil))))

			stranger := tlsServer(t, certtest.NewAuthority(t, "theirs").ServerTLS(t, nil))
			c.CloseIdleConnections()
			_, err := post(t.Context(), c, stranger.URL, "{}")
			var unknown x509.UnknownAuthorityError
			require.ErrorAs(t, err, &unknown)
		})
	}
}

func TestACertificateForAnotherHostIsRefused(t *testing.T) {
	ca, s := certtest.NewAuthority(t, "ours"), newSecret(t)
	s.write(s.files.CA, ca.PEM)
	s.files.Certificate, s.files.Key = "", ""
	srv := tlsServer(t, ca.ServerTLS(t, nil))
	c := s.client(newRecordingWatcher())
	_, err := post(t.Context(), c, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), "{}")
	var other x509.HostnameError
	require.ErrorAs(t, err, &other)
}

func TestARenewedCertificateIsUsedOnTheNextConnectionAndCutsNone(t *testing.T) {
	for name, watcher := range map[string]Watcher{"watched": newRecordingWatcher(), "not watched": nil} {
		t.Run(name, func(t *testing.T) {
			ca, s := certtest.NewAuthority(t, "ours"), newSecret(t)
			s.write(s.files.CA, ca.PEM)
			s.issue(ca, "first")
			c, srv := s.client(watcher), tlsServer(t, ca.ServerTLS(t, ca))
			require.Equal(t, "first", shown(t, c, srv))
			s.issue(ca, "second")
			require.Equal(t, "first", shown(t, c, srv), "the connection is the same")
			c.CloseIdleConnections()
			require.Equal(t, "second", shown(t, c, srv))
			assert.Empty(t, s.warned())
		})
	}
}

func TestRenewedAuthoritiesAreUsedOnTheNextConnection(t *testing.T) {
	first, second, s := certtest.NewAuthority(t, "first"), certtest.NewAuthority(t, "second"), newSecret(t)
	s.write(s.files.CA, first.PEM)
	s.files.Certificate, s.files.Key = "", ""
	c := s.client(newRecordingWatcher())
	renewed := tlsServer(t, second.ServerTLS(t, nil))
	_, err := post(t.Context(), c, renewed.URL, "{}")
	require.ErrorContains(t, err, "unknown authority")
	s.write(s.files.CA, append(bytes.Clone(first.PEM), second.PEM...))
	shown(t, c, renewed)
	c.CloseIdleConnections()
	shown(t, c, tlsServer(t, first.ServerTLS(t, nil)))
}

// A half-written or broken file leaves the previous value in use.
func TestFilesThatCannotBeUsedKeepWhatWasReadBefore(t *testing.T) {
	ca := certtest.NewAuthority(t, "ours")
	otherCertificate, otherKey := ca.Issue(t, "other")
	for name, test := range map[string]struct {
		spoil func(s *secret)
		want  string
	}{
		"the key of another": {func(s *secret) { s.write(s.files.Key, otherKey) }, "private key does not match"},
		"the certificate of another": {
			func(s *secret) { s.write(s.files.Certificate, otherCertificate) }, "private key does not match",
		},
		"half a key":           {func(s *secret) { s.write(s.files.Key, otherKey[:60]) }, "tls.key: it is cut short"},
		"half a certificate":   {func(s *secret) { s.write(s.files.Certificate, otherCertificate[:90]) }, "tls.crt: it is cut short"},
		"an empty certificate": {func(s *secret) { s.write(s.files.Certificate, nil) }, "failed to find any PEM data"},
		"no key":               {func(s *secret) { require.NoError(s.t, os.Remove(s.files.Key)) }, "tls.key: no such file"},
		"no authorities":       {func(s *secret) { require.NoError(s.t, os.Remove(s.files.CA)) }, "ca.crt: no such file"},
		"empty authorities":    {func(s *secret) { s.write(s.files.CA, nil) }, "ca.crt: there is no certificate in it"},
		"half an authority": {
			func(s *secret) { s.write(s.files.CA, append(bytes.Clone(otherCertificate), ca.PEM[:90]...)) }, "ca.crt: it is cut short",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSecret(t)
			s.write(s.files.CA, ca.PEM)
			s.issue(ca, "first")
			c, srv := s.client(newRecordingWatcher()), tlsServer(t, ca.ServerTLS(t, ca))
			test.spoil(s)
			for range 3 {
				c.CloseIdleConnections()
				require.Equal(t, "first", shown(t, c, srv))
			}
			require.Len(t, s.warned(), 1, "the same error is logged once")
			assert.Contains(t, s.warned()[0], test.want)

			s.write(s.files.CA, ca.PEM)
			s.issue(ca, "second")
			c.CloseIdleConnections()
			require.Equal(t, "second", shown(t, c, srv))
			test.spoil(s)
			c.CloseIdleConnections()
			require.Equal(t, "second", shown(t, c, srv))
			assert.Len(t, s.warned(), 2, "an error that comes again is logged again")
		})
	}
}

func TestFilesThatCannotBeUsedAtTheStartAreAnError(t *testing.T) {
	ca := certtest.NewAuthority(t, "ours")
	s := newSecret(t)
	_, err := LoadTLS(s.files, s.warn)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "read the authorities: open "+s.files.CA)
	s.write(s.files.CA, ca.PEM)
	_, err = LoadTLS(s.files, s.warn)
	require.ErrorContains(t, err, "read the client certificate: open "+s.files.Certificate)
	certificate, _ := ca.Issue(t, "us")
	s.write(s.files.Certificate, certificate)
	_, err = LoadTLS(s.files, s.warn)
	require.ErrorContains(t, err, "read the client certificate's key: open "+s.files.Key)
	s.write(s.files.Key, []byte("hunter2"))
	_, err = LoadTLS(s.files, s.warn)
	require.ErrorContains(t, err, "failed to find any PEM data")
	assert.NotContains(t, err.Error(), "hunter2")
	assert.Empty(t, s.warned())
}

// If the client showed no certificate, the server would report that there is none, instead of that it rejects it.
func TestACertificateIsShownWhateverAuthoritiesTheServerNames(t *testing.T) {
	ca, s := certtest.NewAuthority(t, "ours"), newSecret(t)
	s.write(s.files.CA, ca.PEM)
	s.issue(certtest.NewAuthority(t, "unknown"), "us")
	c := s.client(newRecordingWatcher())
	_, err := post(t.Context(), c, tlsServer(t, ca.ServerTLS(t, ca)).URL, "{}")
	require.ErrorContains(t, err, "unknown certificate authority")
}
