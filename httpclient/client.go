// Package httpclient builds the HTTP clients of the daemon: one connection at a time, that is reused,
// never waits for ever, and is watched; TLS 1.2 or newer, with certificates and tokens that
// are renewed while the process runs; no redirects.
//
// It answers one question that matters to a forwarder: does net/http ever send a POST twice
// by itself? Only where nothing of it had been written yet, on a reused connection that the
// server had closed meanwhile (net/http, persistConn.shouldRetryRequest): the server cannot
// have seen that request, so nothing is doubled. Once a byte is out, a POST that breaks is an
// error and the caller decides. An Idempotency-Key header would change that (net/http,
// Request.isReplayable): callers must not set one.
package httpclient

import (
	"net/http"
	"time"
)

const (
	// dialTimeout bounds the TCP connect, name look-up included. In a cluster it takes
	// milliseconds; a host that drops packets must not eat the whole time of a POST.
	dialTimeout = 10 * time.Second
	// tlsHandshakeTimeout bounds what comes after the connect on https.
	tlsHandshakeTimeout = 10 * time.Second
	// maxHeaderBytes bounds the header of an answer. Webhooks answer in a few hundred bytes.
	maxHeaderBytes = 64 << 10
)

// Options says what differs between deployments.
type Options struct {
	// KeepAlive lets connections be used again. Without it (KEEPALIVE=false) each request
	// has a connection of its own, which spreads them over the pods behind a Service.
	KeepAlive bool
	// Watcher is told what becomes of the connections.
	Watcher Watcher
	// TLS is whom the client trusts and how it shows who it is; nil is the system's authorities
	// and no certificate.
	TLS *TLS
}

// New returns the client. It is safe for concurrent use, and its owner calls
// CloseIdleConnections at the end.
//
//   - It has at most one connection at a time, so that the same connection means the same server.
//     It stays open for as long as its owner and the server leave it.
//   - It has no overall timeout: each request must carry a context with a deadline.
//   - A redirect is returned as the answer it is. Following one would turn the POST into a
//     GET (301, 302, 303) or send what it holds to a host that nobody configured.
//   - It speaks HTTP/1.1 only: over HTTP/2 all partitions would share one connection, and a
//     connection that died in silence would stall them all, because a request that times out
//     there ends its stream and leaves the connection in use.
//   - The proxy is that of HTTP_PROXY, HTTPS_PROXY and NO_PROXY, never for the loopback.
//   - User and password in a request's URL are sent as Basic authentication, by net/http.
func New(opts Options) *http.Client {
	return &http.Client{
		Transport:     newTransport(opts),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newTransport returns a transport that shares nothing with http.DefaultTransport, which any
// package of the process may change.
func newTransport(opts Options) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        opts.TLS.config(),
		TLSHandshakeTimeout:    tlsHandshakeTimeout,
		Protocols:              &protocols,
		DisableKeepAlives:      !opts.KeepAlive,
		MaxConnsPerHost:        1,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// An answer is a status and a few words: asking for gzip would only cost.
		DisableCompression: true,
	}
	watch(transport, opts.Watcher, opts.TLS)
	return transport
}
