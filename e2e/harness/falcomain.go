package harness

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

// These environment variables turn the test binary into a Falco process.
const (
	// FalcoAddress is the variable with the address to listen on. If it is set, the test binary runs
	// FalcoMain.
	FalcoAddress = "E2E_FALCO_ADDRESS"
	// falcoFile is the variable with the file to which each audit event is written once the engine has
	// processed it.
	falcoFile = "E2E_FALCO_FILE"
	// falcoPace is the variable with the time that the engine takes for an audit event.
	falcoPace = "E2E_FALCO_PACE"
)

// FalcoMain runs the real k8saudit plugin with a slow engine. Like Falco it exits at once on SIGTERM,
// and loses what the engine has not processed. It returns the exit code only after an error.
func FalcoMain(address string) int {
	fmt.Fprintln(os.Stderr, serveFalco(address, os.Getenv(falcoFile), os.Getenv(falcoPace)))
	return 1
}

// serveFalco opens the plugin and processes its batches. It returns only with an error.
func serveFalco(address, file, every string) error {
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
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
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

// use processes a batch. After SIGTERM it stops within the batch.
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
