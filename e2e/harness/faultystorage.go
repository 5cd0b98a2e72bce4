package harness

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// storageMode is how the proxy treats requests.
type storageMode int32

const (
	storageWorks  storageMode = iota
	storageBusy               // answers 503
	storageClosed             // closes each connection without an answer
	storageSlow               // answers after slowStorageAnswer
)

// slowStorageAnswer is the delay of a slow storage.
const slowStorageAnswer = 800 * time.Millisecond

// faultyStorage is a proxy in front of Azurite whose faults can be switched.
type faultyStorage struct {
	*httptest.Server
	mode        atomic.Int32
	checkpoints atomic.Int64 // checkpoints that were written through this proxy
}

// startFaultyStorage starts a proxy without a fault.
func startFaultyStorage(t *testing.T) *faultyStorage {
	t.Helper()
	endpoint, err := url.Parse(SharedAzurite(t).Endpoint)
	require.NoError(t, err)
	transport := &http.Transport{}
	p := &faultyStorage{}
	forward := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host})
			r.Out.Host = r.In.Host // the host may be part of the signature
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPut && r.StatusCode/100 == 2 && strings.Contains(r.Request.URL.Path, "/checkpoint/") {
				p.checkpoints.Add(1)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.forwards(w, r) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
		transport.CloseIdleConnections()
	})
	return p
}

// forwards applies the mode to a request, and reports whether the request has to be forwarded.
func (p *faultyStorage) forwards(w http.ResponseWriter, r *http.Request) bool {
	switch storageMode(p.mode.Load()) {
	case storageBusy:
		http.Error(w, "the storage is busy", http.StatusServiceUnavailable)
		return false
	case storageClosed:
		panic(http.ErrAbortHandler) // closes the connection
	case storageSlow:
		select {
		case <-time.After(slowStorageAnswer):
		case <-r.Context().Done():
		}
	}
	return true
}

// setMode changes the mode.
func (p *faultyStorage) setMode(m storageMode) { p.mode.Store(int32(m)) }

// connectionString returns Azurite's connection string with the proxy's address.
func (p *faultyStorage) connectionString(t *testing.T) string {
	t.Helper()
	a := SharedAzurite(t)
	return strings.Replace(a.ConnectionString(), a.Endpoint, p.URL+"/"+StorageAccount, 1)
}
