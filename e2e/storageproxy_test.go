package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// fault is what a storageProxy does with a request instead of handing it on. It returns true where
// it has answered.
type fault func(w http.ResponseWriter, r *http.Request) bool

// storageProxy stands between a daemon and Azurite, whose answers it can spoil.
type storageProxy struct {
	*httptest.Server

	mu    sync.Mutex
	fault fault
	ended chan struct{} // closed when fault ends
}

// startStorageProxy hands everything on until told otherwise.
func startStorageProxy(t *testing.T) *storageProxy {
	t.Helper()
	azurite, err := url.Parse(storage(t).endpoint)
	require.NoError(t, err)
	handOn := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: azurite.Scheme, Host: azurite.Host})
	handOn.Transport = &http.Transport{DisableKeepAlives: true}
	p := &storageProxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spoil := p.current(); spoil == nil || !spoil(w, r) {
			handOn.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		p.mend()
		p.Close()
	})
	return p
}

func (p *storageProxy) current() fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// spoil does f with every request from now on.
func (p *storageProxy) spoil(f fault) {
	p.mend()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.ended = f, make(chan struct{})
}

// mend hands everything on again.
func (p *storageProxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		close(p.ended)
	}
	p.fault = nil
}

// settings have a daemon go through the proxy.
func (p *storageProxy) settings(t *testing.T) settings {
	t.Helper()
	return settings{"BLOBSTORAGECONNECTIONSTRING": strings.Replace(storage(t).connectionString(), storage(t).endpoint, p.URL+"/"+storageAccount, 1)}
}

// unavailable answers 503 as the service does when it is overloaded.
func unavailable(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("x-ms-error-code", "ServerBusy")
	http.Error(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>`, http.StatusServiceUnavailable)
	return true
}

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// hang never answers, until it is mended or the client gives up.
func (p *storageProxy) hang(_ http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	select {
	case <-ended:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// doneByAzurite hands a request on to Azurite and returns its answer.
func doneByAzurite(t *testing.T) func(*http.Request) (*http.Response, error) {
	t.Helper()
	azurite, err := url.Parse(storage(t).endpoint)
	require.NoError(t, err)
	return func(r *http.Request) (*http.Response, error) {
		asked := r.Clone(r.Context())
		asked.RequestURI, asked.URL.Scheme, asked.URL.Host = "", azurite.Scheme, azurite.Host
		return testClient.Do(asked)
	}
}

// answersLost has the storage do what it is asked, and cuts the answer off.
func (p *storageProxy) answersLost(t *testing.T) fault {
	t.Helper()
	do := doneByAzurite(t)
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if answer, err := do(r); err == nil {
			_ = answer.Body.Close()
		}
		panic(http.ErrAbortHandler)
	}
}
