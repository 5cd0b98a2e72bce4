package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
)

// The environment variables that make the test binary a Falco. falcoHolds is after how many audit events the engine
// stops processing, or 0 for never. falcoIDs says that only auditIDs are written.
const (
	// FalcoAddress is the variable with the address to listen on. If it is set, the test binary runs FalcoMain.
	FalcoAddress = "E2E_FALCO_ADDRESS"
	// falcoFile is the variable with the file to which each processed audit event is written.
	falcoFile = "E2E_FALCO_FILE"
	// falcoPace is the variable with the engine's time for one audit event.
	falcoPace  = "E2E_FALCO_PACE"
	falcoHolds = "E2E_FALCO_HOLDS"
	falcoIDs   = "E2E_FALCO_IDS"
)

// reloadTime is how long the port of a Falco 0.44 is closed when SIGHUP makes it read its configuration again.
const reloadTime = 400 * time.Millisecond

// reloaded is what a Falco prints each time before it opens the plugin again.
const reloaded = "reading the configuration again"

// FalcoMain runs the real k8saudit plugin with a slow engine. Like Falco, it exits at once on SIGTERM, and opens the
// plugin again on SIGHUP. Both lose what the engine has not processed. It returns the exit code.
func FalcoMain(address string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	e, err := newEngine(os.Getenv(falcoFile), os.Getenv(falcoPace), os.Getenv(falcoHolds), os.Getenv(falcoIDs))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		e.ended = nil
		if err = serveFalco(address, e, signals); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if e.ended == syscall.SIGTERM {
			return 0
		}
		Pause(context.Background(), reloadTime)
		fmt.Fprintln(os.Stderr, reloaded)
	}
}

// newEngine returns an engine with the values of the environment variables.
func newEngine(file, every, holds, ids string) (*engine, error) {
	pace, err := time.ParseDuration(every)
	if err != nil {
		return nil, err
	}
	left, err := strconv.Atoi(holds)
	if err != nil {
		return nil, err
	}
	if left == 0 {
		left = -1
	}
	onlyIDs, err := strconv.ParseBool(ids)
	if err != nil {
		return nil, err
	}
	used, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return &engine{used: used, pace: pace, left: left, onlyIDs: onlyIDs}, err
}

// serveFalco opens the plugin, and processes its batches until a signal comes. Then it closes the plugin.
func serveFalco(address string, e *engine, signals <-chan os.Signal) error {
	plugin := &k8saudit.Plugin{}
	if err := plugin.Init("{}"); err != nil {
		return err
	}
	instance, err := plugin.OpenWebServer(address, "/k8s-audit", false)
	if err != nil {
		return err
	}
	batch := newEventWriters()
	for {
		n, ended := instance.NextBatch(plugin, batch)
		if err = e.use(batch[:n], signals); err != nil {
			return err
		}
		if e.ended != nil {
			instance.(sdk.Closer).Close()
			return nil
		}
		if ended != nil && !errors.Is(ended, sdk.ErrTimeout) {
			return ended
		}
	}
}
