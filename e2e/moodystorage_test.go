package e2e

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

// storageMood is how a proxy treats the requests to the storage.
type storageMood int32

const (
	storageWorks storageMood = iota
	storageBusy              // answers 503
	storageAway              // closes every connection without a word
	storageSlow              // answers after a while
)

// slowStorage is how long a slow storage takes.
const slowStorage = 800 * time.Millisecond

// moodyStorage stands between a daemon and Azurite.
type moodyStorage struct {
	*httptest.Server
	mood        atomic.Int32
	checkpoints atomic.Int64 // that were written through it
}

func startMoodyStorage(t *testing.T) *moodyStorage {
	t.Helper()
	endpoint, err := url.Parse(storage(t).endpoint)
	require.NoError(t, err)
	transport := &http.Transport{}
	p := &moodyStorage{}
	forward := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host})
			r.Out.Host = r.In.Host // it may be part of what was signed
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
		if p.stands(w, r) {
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

// stands treats a request as the mood is and says whether it is to be forwarded.
func (p *moodyStorage) stands(w http.ResponseWriter, r *http.Request) bool {
	switch storageMood(p.mood.Load()) {
	case storageBusy:
		http.Error(w, "the storage is busy", http.StatusServiceUnavailable)
		return false
	case storageAway:
		panic(http.ErrAbortHandler) // closes the connection
	case storageSlow:
		select {
		case <-time.After(slowStorage):
		case <-r.Context().Done():
		}
	}
	return true
}

func (p *moodyStorage) feel(m storageMood) { p.mood.Store(int32(m)) }

// connectionString is the storage's, but for its address.
func (p *moodyStorage) connectionString(t *testing.T) string {
	t.Helper()
	a := storage(t)
	return strings.Replace(a.connectionString(), a.endpoint, p.URL+"/"+storageAccount, 1)
}
