package httpclient

import (
	"net/http"
	"time"
)

const (
	// dialTimeout bounds the TCP connect, including the name look-up. In a cluster a connect takes milliseconds. A
	// host that drops packets must not use up the whole time of a POST.
	dialTimeout = 10 * time.Second
	// tlsHandshakeTimeout bounds the TLS handshake after the connect.
	tlsHandshakeTimeout = 10 * time.Second
	// maxHeaderBytes bounds the header of an answer. A webhook's answer has a few hundred bytes.
	maxHeaderBytes = 64 << 10
	// writeBuffer holds the header and a body of 32 KiB, so that both go out in one write.
	writeBuffer = 36 << 10
)

// Options holds what differs between deployments.
type Options struct {
	// KeepAlive allows connections to be reused. Without it (KEEPALIVE=false) each request has its own connection,
	// which spreads the requests over the pods behind a Service.
	KeepAlive bool
	// Watcher is told when connections begin and end. It must be set.
	Watcher Watcher
	// TLS holds the authorities and the client certificate. nil stands for the system's authorities and no
	// certificate.
	TLS *TLS
}

// New returns a client, which is safe for concurrent use. Its owner calls CloseIdleConnections at the end.
//
//   - The client has at most one connection at a time, so that the same connection means the same server. It stays
//     open until its owner or the server closes it.
//   - The client has no overall timeout: each request must carry a context with a deadline.
//   - A redirect is returned as the answer. Following it would turn the POST into a GET (301, 302, 303), or send the
//     body to a host that nobody configured.
//   - The client speaks HTTP/1.1 only, so that a request that times out ends its connection. Over HTTP/2 only its
//     stream would end, and a connection that had died silently would stay in use.
//   - The proxy is that of HTTP_PROXY, HTTPS_PROXY and NO_PROXY, but none is used for a host in the cluster: see
//     ProxyFor.
//   - net/http sends user and password of a request's URL as Basic authentication.
func New(opts Options) *http.Client {
	return &http.Client{
		Transport:     newTransport(opts),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newTransport returns a transport that shares nothing with http.DefaultTransport, which any package may change.
func newTransport(opts Options) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		Proxy:                  proxyFor,
		TLSClientConfig:        opts.TLS.config(),
		TLSHandshakeTimeout:    tlsHandshakeTimeout,
		Protocols:              &protocols,
		DisableKeepAlives:      !opts.KeepAlive,
		MaxConnsPerHost:        1,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// An answer is a status and a few words, so gzip would only cost time.
		DisableCompression: true,
		WriteBufferSize:    writeBuffer,
	}
	watch(transport, opts.Watcher, opts.TLS)
	return transport
}
