package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
)

// The environment that makes the test binary a Falco: where it listens, the file that it writes
// each audit event to when its engine is through with it, how long that takes, and after how many of them the
// engine stands still, 0 for never.
const (
	// FalcoAddress is the variable with the address to listen on. If it is set, the test binary runs
	// FalcoMain.
	FalcoAddress = "E2E_FALCO_ADDRESS"
	// falcoFile is the variable with the file to which each audit event is written once the engine has
	// processed it.
	falcoFile = "E2E_FALCO_FILE"
	// falcoPace is the variable with the time that the engine takes for an audit event.
	falcoPace  = "E2E_FALCO_PACE"
	falcoHolds = "E2E_FALCO_HOLDS"
)

// FalcoMain runs the real k8saudit plugin with a slow engine. Like Falco it exits at once on SIGTERM,
// and loses what the engine has not processed. It returns the exit code only after an error.
func FalcoMain(address string) int {
	fmt.Fprintln(os.Stderr, serveFalco(address, os.Getenv(falcoFile), os.Getenv(falcoPace), os.Getenv(falcoHolds)))
	return 1
}

// serveFalco opens the plugin and processes its batches. It returns only with an error.
func serveFalco(address, file, every, holds string) error {
	pace, err := time.ParseDuration(every)
	if err != nil {
		return err
	}
	left, err := strconv.Atoi(holds)
	if err != nil {
		return err
	}
	if left == 0 {
		left = -1
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
		if err = use(batch[:n], used, pace, &left, &ending); err != nil {
			return err
		}
		if ended != nil && !errors.Is(ended, sdk.ErrTimeout) && !ending.Load() {
			return ended
		}
	}
}

// use is the engine's work on a batch. It ends amid it. left is how many audit events it may use yet, below 0
// any number.
func use(batch eventWriters, used io.Writer, pace time.Duration, left *int, ending *atomic.Bool) error {
	for _, event := range batch {
		time.Sleep(pace)
		if *left == 0 || ending.Load() {
			select {} // the process is about to end
		}
		*left--
		if _, err := used.Write(append(event.data.Bytes(), '\n')); err != nil {
			return err
		}
	}
	return nil
}
