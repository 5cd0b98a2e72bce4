package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/daemon"
	"aks-audit-log-go/internal/hubtest"
)

// arrivalTimeout is how long the demo waits for the next audit event before it counts the rest as lost.
const arrivalTimeout = 30 * time.Second

// play runs the demo until ctx is done or all audit events have arrived, and returns the counts.
func play(ctx context.Context, opts options, stdout, stderr io.Writer) (counts, error) {
	dir, err := os.MkdirTemp("", "aks-audit-log-go-demo")
	if err != nil {
		return counts{}, fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	hub, err := startHub(dir)
	if err != nil {
		return counts{}, err
	}
	defer hub.Close()
	tally := newTally()
	sink := httptest.NewServer(webhook(stdout, tally))
	defer sink.Close()

	stop, err := startDaemon(environ(hub, sink.URL, dir, opts), stdout, stderr)
	if err != nil {
		return counts{}, err
	}
	generate(ctx, hub, tally, opts)
	tally.await(arrivalTimeout)
	err = stop()
	return tally.counts(), err
}

// startHub starts the emulator, and sets SSL_CERT_FILE so that this process trusts it. Go reads that variable once, at
// the first handshake, which comes later.
func startHub(dir string) (*hubtest.Server, error) {
	hub, err := hubtest.Start(hubtest.Config{})
	if err != nil {
		return nil, fmt.Errorf("start the Event Hubs emulator: %w", err)
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, hub.CAPEM(), 0o600); err != nil {
		hub.Close()
		return nil, fmt.Errorf("write the emulator's CA: %w", err)
	}
	if err := os.Setenv("SSL_CERT_FILE", file); err != nil {
		hub.Close()
		return nil, fmt.Errorf("trust the emulator's CA: %w", err)
	}
	return hub, nil
}

// environ returns the daemon's environment, as an operator would set it.
func environ(hub *hubtest.Server, sink, dir string, opts options) []string {
	level := os.Getenv("LOGLEVEL")
	if level == "" {
		level = forwarder.LevelName(logrus.WarnLevel)
	}
	return []string{
		"EHUBNAMESPACECONNECTIONSTRING=" + hub.ConnectionString(),
		"EVENTHUBNAME=" + hub.HubName(),
		"CHECKPOINTDIR=" + filepath.Join(dir, "checkpoints"),
		"WEBSINKURL=" + sink + "/k8s-audit",
		"STATSADDRESS=" + opts.stats,
		"LOGLEVEL=" + level,
	}
}

// startDaemon runs the daemon's own code. stop stops the daemon and waits until it has ended.
func startDaemon(environ []string, stdout, stderr io.Writer) (stop func() error, err error) {
	cfg, err := forwarder.Load(environ)
	if err != nil {
		return nil, err
	}
	log := daemon.NewLogger(cfg, stderr)
	// The daemon does not get the context that Ctrl-C ends: it stops last, after it has delivered the events in the
	// hub.
	ctx, cancel := context.WithCancel(context.Background())
	d, err := daemon.New(ctx, cfg, log)
	if err != nil {
		cancel()
		return nil, err
	}
	_, _ = fmt.Fprintf(stdout, "status page: http://%s/ (also /metrics, /healthz and /readyz)\n", d.StatsAddr())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(cfg.ShutdownTimeout + time.Second):
			return errors.New("the daemon did not stop in time")
		}
	}, nil
}
