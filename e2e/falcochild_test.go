package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
)

// The environment that makes the test binary a Falco: where it listens, the file that it writes
// each audit event to when its engine is through with it, and how long that takes.
const (
	falcoAddress = "E2E_FALCO_ADDRESS"
	falcoFile    = "E2E_FALCO_FILE"
	falcoPace    = "E2E_FALCO_PACE"
)

// beFalco is Falco, with the real k8saudit plugin and an engine that is slow. It returns the exit
// code. Like Falco it lets SIGTERM end it at once: what it has not used by then is gone.
func beFalco(address string) int {
	if err := falcoMain(address, os.Getenv(falcoFile), os.Getenv(falcoPace)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func falcoMain(address, file, every string) error {
	pace, err := time.ParseDuration(every)
	if err != nil {
		return err
	}
	used, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	plugin := &k8saudit.Plugin{}
	if err = plugin.Init("{}"); err != nil {
		return err
	}
	instance, err := plugin.OpenWebServer(address, "/k8s-audit", false)
	if err != nil {
		return err
	}
	var ending atomic.Bool
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	go func() {
		<-asked
		ending.Store(true)
		instance.(sdk.Closer).Close()
		os.Exit(0)
	}()
	batch := newEventWriters()
	for {
		n, ended := instance.NextBatch(plugin, batch)
		if err = use(batch[:n], used, pace, &ending); err != nil {
			return err
		}
		if ended != nil && !errors.Is(ended, sdk.ErrTimeout) && !ending.Load() {
			return ended
		}
	}
}

// use is the engine's work on a batch. It ends amid it.
func use(batch eventWriters, used io.Writer, pace time.Duration, ending *atomic.Bool) error {
	for _, event := range batch {
		time.Sleep(pace)
		if ending.Load() {
			select {} // the process is about to end
		}
		if _, err := used.Write(append(event.data.Bytes(), '\n')); err != nil {
			return err
		}
	}
	return nil
}
