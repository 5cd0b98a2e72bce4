package httpclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// watchedProbes find out within four seconds that the other side of a silent connection is gone
// without a word, as when its node has lost its power.
var watchedProbes = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}

// ackTimeout is how long the other side may leave what was sent unacknowledged: its kernel does
// that, however busy its process is. Where nothing bounds it, a POST to a node that is gone
// ends as one to a sink that is slow: with its own time-out.
const ackTimeout = 20 * time.Second

// watch has the transport make connections that watcher is told of.
func watch(transport *http.Transport, watcher Watcher, files *TLS) {
	w := watchedDialer{
		dialer:    &net.Dialer{Timeout: dialTimeout, KeepAliveConfig: watchedProbes},
		transport: transport,
		watcher:   watcher,
		files:     files,
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return w.watched(func() (net.Conn, error) { return w.dial(ctx, network, address) })
	}
	// TLS has a good-bye of its own, behind which net/http closes the connection before it sees
	// the other side do so. So what is watched is what TLS says, not what is below it.
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return w.watched(func() (net.Conn, error) { return w.dialTLS(ctx, network, address) })
	}
}

type watchedDialer struct {
	dialer    *net.Dialer
	transport *http.Transport
	watcher   Watcher
	files     *TLS
}

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

func (w watchedDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := w.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &acknowledgedConn{TCPConn: tcp}, nil
	}
	return conn, nil
}

func (w watchedDialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	plain, err := w.dial(ctx, network, address)
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
