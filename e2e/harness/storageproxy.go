package harness

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

// AwaitFailures waits until this many more requests of the daemon have failed.
func (p *StorageProxy) AwaitFailures(t *testing.T, d *Daemon, failures float64) {
	t.Helper()
	failed := func() float64 {
		return d.Metric(t, `aks_audit_log_checkpoint_failures_total{partition="0"}`) + d.Metric(t, "aks_audit_log_balance_failures_total")
	}
	before := failed()
	Wait(t, func() bool { return failed() >= before+failures }, "the storage has failed")
}

// StorageFault handles a request in place of Azurite. It returns true if it has answered.
type StorageFault func(w http.ResponseWriter, r *http.Request) bool

// StorageProxy is a proxy between a daemon and Azurite that can cause a fault.
type StorageProxy struct {
	*httptest.Server

	mu    sync.Mutex
	fault StorageFault
	ended chan struct{} // closed when the fault ends
}

// StartStorageProxy starts a proxy without a fault.
func StartStorageProxy(t *testing.T) *StorageProxy {
	t.Helper()
	azurite, err := url.Parse(SharedAzurite(t).Endpoint)
	require.NoError(t, err)
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: azurite.Scheme, Host: azurite.Host})
	forward.Transport = &http.Transport{DisableKeepAlives: true}
	p := &StorageProxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := p.current(); fault == nil || !fault(w, r) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		p.ClearFault()
		p.Close()
	})
	return p
}

// current returns the fault, or nil if there is none.
func (p *StorageProxy) current() StorageFault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// SetFault applies a fault to all further requests.
func (p *StorageProxy) SetFault(f StorageFault) {
	p.ClearFault()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.ended = f, make(chan struct{})
}

// ClearFault ends the fault.
func (p *StorageProxy) ClearFault() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		close(p.ended)
	}
	p.fault = nil
}

// Settings returns settings with which a daemon uses the proxy.
func (p *StorageProxy) Settings(t *testing.T) Settings {
	t.Helper()
	return Settings{"BLOBSTORAGECONNECTIONSTRING": strings.Replace(SharedAzurite(t).ConnectionString(), SharedAzurite(t).Endpoint, p.URL+"/"+StorageAccount, 1)}
}

// ServerBusy answers 503, as an overloaded storage account does.
func ServerBusy(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("x-ms-error-code", "ServerBusy")
	http.Error(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>`, http.StatusServiceUnavailable)
	return true
}

// HangUp closes the connection without an answer.
func HangUp(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// Hang does not answer until the fault ends, or the client cancels the request.
func (p *StorageProxy) Hang(_ http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	select {
	case <-ended:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// ForwardToAzurite returns a function that forwards a request to Azurite, and returns the answer.
func ForwardToAzurite(t *testing.T) func(*http.Request) (*http.Response, error) {
	t.Helper()
	azurite, err := url.Parse(SharedAzurite(t).Endpoint)
	require.NoError(t, err)
	return func(r *http.Request) (*http.Response, error) {
		forwarded := r.Clone(r.Context())
		forwarded.RequestURI, forwarded.URL.Scheme, forwarded.URL.Host = "", azurite.Scheme, azurite.Host
		return HTTPClient.Do(forwarded)
	}
}

// LoseAnswers returns a fault that executes each request, and drops the answer.
func (p *StorageProxy) LoseAnswers(t *testing.T) StorageFault {
	t.Helper()
	do := ForwardToAzurite(t)
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if answer, err := do(r); err == nil {
			_ = answer.Body.Close()
		}
		panic(http.ErrAbortHandler)
	}
}
