// Package httpclient builds the HTTP clients of the daemon: connections that are reused and
// never wait for ever, and that can be watched; TLS 1.2 or newer, with certificates and tokens that
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
	"net"
	"net/http"
	"time"
)

const (
	// dialTimeout bounds the TCP connect, name look-up included. In a cluster it takes
	// milliseconds; a host that drops packets must not eat the whole time of a POST.
	dialTimeout = 10 * time.Second
	// probeInterval is how often a silent connection is probed by TCP keep-alive, so that
	// one whose other side is gone without a word is noticed.
	probeInterval = 15 * time.Second
	// tlsHandshakeTimeout bounds what comes after the connect on https.
	tlsHandshakeTimeout = 10 * time.Second
	// idleTimeout is shorter than what servers grant an idle connection (Node.js 5 s, most
	// others a minute or more, Falco's plugin no limit): so it is us who close it, and a
	// POST hardly ever meets a connection that the server is closing just now. It also
	// lets go soon of pods that were replaced.
	idleTimeout = 4 * time.Second
	// maxIdlePerHost is how many connections to the sink stay open between POSTs. An Event
	// Hub has up to 32 partitions (100 on Premium), each posts on its own; net/http's
	// default of 2 would open a new connection for nearly every POST.
	maxIdlePerHost = 128
	// maxHeaderBytes bounds the header of an answer. Webhooks answer in a few hundred bytes.
	maxHeaderBytes = 64 << 10
)

// Options says what differs between deployments.
type Options struct {
	// KeepAlive lets connections be used again. Without it (KEEPALIVE=false) each request
	// has a connection of its own, which spreads them over the pods behind a Service.
	KeepAlive bool
	// Watcher, if there is one, is told what becomes of the connections. The client then has at
	// most one at a time, so that the same connection means the same server, and its owner
	// closes it when it has been idle for long enough.
	Watcher Watcher
	// TLS is whom the client trusts and how it shows who it is; nil is the system's authorities
	// and no certificate.
	TLS *TLS
}

// New returns the client. It is safe for concurrent use, and its owner calls
// CloseIdleConnections at the end.
//
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
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: probeInterval}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        opts.TLS.config(),
		TLSHandshakeTimeout:    tlsHandshakeTimeout,
		Protocols:              &protocols,
		DisableKeepAlives:      !opts.KeepAlive,
		MaxIdleConns:           0, // no limit beside the one per host: there is one host
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// An answer is a status and a few words: asking for gzip would only cost.
		DisableCompression: true,
	}
	if opts.Watcher != nil {
		watch(transport, opts.Watcher, opts.TLS)
	}
	return transport
}
