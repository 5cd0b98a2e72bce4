package httpclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// watchedProbes detects within four seconds that the other side of a silent connection has vanished, for example
// because its node lost power. Linux sends no such probes while sent bytes are not acknowledged; then the time-out of
// the POST ends the request. TCP_USER_TIMEOUT is not used for that case: it would also end a connection whose other
// side acknowledges every probe but takes no bytes because its process is frozen (tcp_probe_timer in tcp_timer.c).
var watchedProbes = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}

// watch makes the transport report its connections to watcher.
func watch(transport *http.Transport, watcher Watcher, files *TLS) {
	w := watchedDialer{
		dialer:    &net.Dialer{Timeout: dialTimeout, KeepAliveConfig: watchedProbes},
		transport: transport,
		watcher:   watcher,
		files:     files,
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return w.watched(func() (net.Conn, error) { return w.dialer.DialContext(ctx, network, address) })
	}
	// The watched connection is the TLS connection, not the TCP connection below it: after the close_notify alert of
	// TLS, net/http closes the connection before it notices that the other side does so.
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return w.watched(func() (net.Conn, error) { return w.dialTLS(ctx, network, address) })
	}
}

// watchedDialer makes connections and reports them to watcher.
type watchedDialer struct {
	dialer    *net.Dialer
	transport *http.Transport
	watcher   Watcher
	files     *TLS
}

// watched makes a connection with dial, unless watcher forbids it, and reports what happens to it.
func (w watchedDialer) watched(dial func() (net.Conn, error)) (net.Conn, error) {
	if err := w.watcher.Dialling(); err != nil {
		return nil, err
	}
	conn, err := dial()
	if err != nil {
		w.watcher.DialFailed(err)
		return nil, err
	}
	w.watcher.Connected()
	return &watchedConn{Conn: conn, watcher: w.watcher}, nil
}

// dialTLS makes a TLS connection with the current authorities and certificate.
func (w watchedDialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	plain, err := w.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := w.transport.TLSClientConfig.Clone()
	w.files.renew(config)
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	ctx, cancel := context.WithTimeout(ctx, tlsHandshakeTimeout)
	defer cancel()
	conn := tls.Client(plain, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return conn, nil
}
