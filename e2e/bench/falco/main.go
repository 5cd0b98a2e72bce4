// Command falco is the webhook server of Falco's k8saudit plugin in a process of its own, drained as
// fast as it gives: what Falco could take if its rules cost nothing. It prints where it serves as
// command part does, and counts the audit events that come out of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"

	"aks-audit-log-go/e2e/bench/control"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "falco:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stdout io.Writer) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	plugin := &k8saudit.Plugin{}
	if err = plugin.Init("{}"); err != nil {
		return fmt.Errorf("set up the plugin: %w", err)
	}
	instance, err := plugin.OpenWebServer(address, "/k8s-audit", false)
	if err != nil {
		return fmt.Errorf("open the plugin's web server: %w", err)
	}
	if closer, ok := instance.(sdk.Closer); ok {
		defer closer.Close()
	}
	if err = awaitServer(ctx, address); err != nil {
		return err
	}
	counter := &control.Counter{}
	if err = counter.Tell(ctx, stdout, control.Announcement{URL: "http://" + address + "/k8s-audit"}); err != nil {
		return err
	}
	batch := make(eventWriters, sdk.DefaultBatchSize)
	for i := range batch {
		batch[i] = &eventWriter{}
	}
	for ctx.Err() == nil { // an empty batch comes after a while, so that the end is noticed
		n, err := instance.NextBatch(plugin, batch)
		if err != nil && !errors.Is(err, sdk.ErrTimeout) {
			return fmt.Errorf("get a batch from the plugin: %w", err)
		}
		if now := time.Now(); n > 0 {
			counter.Add(now, now, n, batch.takeBytes(n), nil)
		}
	}
	return nil
}

// freeAddress is a port of loopback on which nothing listens: the plugin cannot pick one itself.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// awaitServer waits until the plugin, which listens in a goroutine of its own, does so.
func awaitServer(ctx context.Context, address string) error {
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// eventWriters is a batch for the plugin to fill, in Go memory.
type eventWriters []*eventWriter

var _ sdk.EventWriters = eventWriters(nil)

// Get satisfies sdk.EventWriters, as do the others.
func (e eventWriters) Get(i int) sdk.EventWriter { return e[i] }

// Len is the size of the batch.
func (e eventWriters) Len() int { return len(e) }

// ArrayPtr is for Falco only.
func (e eventWriters) ArrayPtr() unsafe.Pointer { return nil }

// Free has nothing to free.
func (e eventWriters) Free() {}

// takeBytes is how many bytes the first n events have.
func (e eventWriters) takeBytes(n int) int {
	total := 0
	for _, event := range e[:n] {
		total += event.size
	}
	return total
}

// eventWriter forgets an event but for its size.
type eventWriter struct{ size int }

// Writer starts the event anew, as the SDK demands.
func (e *eventWriter) Writer() io.Writer {
	e.size = 0
	return e
}

// Write satisfies io.Writer.
func (e *eventWriter) Write(p []byte) (int, error) {
	e.size += len(p)
	return len(p), nil
}

// SetTimestamp satisfies sdk.EventWriter.
func (e *eventWriter) SetTimestamp(uint64) {}
