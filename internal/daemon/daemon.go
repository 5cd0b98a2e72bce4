package daemon

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/consumer"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/hubclient/sdklog"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/backlog"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/history"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/forwarder/status"
	"aks-audit-log-go/internal/profiles"
	"aks-audit-log-go/webhook"
	"aks-audit-log-go/webhook/advice"
)

// NewLogger returns the logger of the process, which also logs the messages of the SDKs. Call NewLogger once, before
// New.
func NewLogger(cfg forwarder.Config, out io.Writer) *logrus.Logger {
	log := forwarder.NewLogger(cfg, out)
	sdklog.Bridge(log)
	return log
}

// Daemon reads from an event hub, posts to a sink, and serves its statistics.
type Daemon struct {
	cfg    forwarder.Config
	log    logrus.FieldLogger
	stats  *metrics.Statistics
	health *health.Health
	server *status.Server
	// profiles is nil if no profiles are served.
	profiles *profiles.Server
	// history is kept for the status page.
	history *history.History
	poster  *webhook.Poster
	// readerID identifies this process in the ownerships and at the hub.
	readerID string
	hub      eventhub.Hub
	store    eventhub.Store
}

// New logs the configuration's warnings, sets up the daemon, and binds the addresses of the statistics server and of
// the profiles. Call Run next. New returns an error if a port is in use, another process uses the folder, or a
// certificate cannot be read. It returns no error if the hub, the storage account or the sink cannot be reached,
// because the daemon keeps trying to connect.
func New(ctx context.Context, cfg forwarder.Config, log *logrus.Logger) (*Daemon, error) {
	registry := prometheus.NewRegistry()
	recentLog := status.NewRecentLog()
	log.AddHook(recentLog)
	for _, warning := range cfg.Warnings { // after the hook, so that the status page shows them too
		log.Warn(warning)
	}
	d := &Daemon{
		cfg: cfg, log: log,
		stats:    metrics.NewStatistics(registry, forwarder.Version, time.Now),
		health:   health.NewHealth(),
		readerID: eventhub.NewReaderID(),
	}
	if warning := advice.Proxy(cfg); warning != "" {
		log.Warn(warning)
		d.health.ThroughProxy(warning)
	}
	var err error
	if d.poster, err = webhook.New(cfg, d.stats, d.health, log); err != nil {
		return nil, err
	}
	if d.hub, err = hubclient.New(cfg, d.readerID); err != nil {
		return nil, err
	}
	if d.store, err = storage.Open(cfg); err != nil {
		d.closeHub(ctx)
		return nil, err
	}
	d.health.Register(registry)
	d.health.Watch(cfg.WatchdogTimeout, time.Now)
	d.history = history.New(d.stats, time.Now)
	overview := status.NewOverview(cfg, d.stats, d.health, recentLog, time.Now)
	d.server = status.NewServer(cfg.StatsAddress, cfg.StatsHosts, registry, d.health, overview.Status, d.history, log)
	if err := d.listen(ctx); err != nil {
		d.closeHub(ctx)
		d.closeStore()
		return nil, err
	}
	return d, nil
}

// listen binds the addresses of the statistics server and of the profiles, if they are wanted.
func (d *Daemon) listen(ctx context.Context) error {
	if d.cfg.PprofAddress != "" {
		var err error
		if d.profiles, err = profiles.Listen(ctx, d.cfg.PprofAddress); err != nil {
			return err
		}
	}
	if err := d.server.Listen(ctx); err != nil {
		if d.profiles != nil {
			d.profiles.Close()
		}
		return err
	}
	return nil
}

// StatsAddr returns the address of the statistics server, as host:port.
func (d *Daemon) StatsAddr() string { return d.server.Addr() }

// Run forwards until ctx is done, and then stops within SHUTDOWNTIMEOUT. It serves the statistics until everything
// else has stopped, so that the last scrape has the final numbers. It returns an error only if the statistics server
// has failed.
func (d *Daemon) Run(ctx context.Context) error {
	defer d.closeStore()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	served := make(chan error, 1)
	go func() {
		served <- d.server.Serve(serving)
		stop()
	}()
	defer d.serveProfiles()()
	d.log.WithFields(d.cfg.LogFields()).WithFields(runtimeFields()).WithField("statistics", d.StatsAddr()).Info("daemon starts")
	context.AfterFunc(ctx, d.health.Stopping)
	context.AfterFunc(ctx, d.poster.Stop)
	d.consume(ctx)
	stopServing()
	if err := <-served; err != nil {
		return fmt.Errorf("statistics server: %w", err)
	}
	d.log.Info("daemon stopped")
	return nil
}

// serveProfiles starts to serve profiles, if they are wanted. The returned function stops it. If the server fails,
// that is only logged, because the daemon does not depend on it.
func (d *Daemon) serveProfiles() (end func()) {
	if d.profiles == nil {
		return func() {}
	}
	var served sync.WaitGroup
	served.Go(func() {
		if err := d.profiles.Serve(); err != nil {
			d.log.WithError(err).Warn("profiles are not served any more")
		}
	})
	d.log.WithField("address", d.profiles.Addr()).Info("profiles are served below /debug/pprof/")
	return func() {
		d.profiles.Close()
		served.Wait()
	}
}

// runtimeFields returns what the start log says about the process: the build, and how much of the machine the Go
// runtime uses. gomemlimit is in bytes, and math.MaxInt64 if there is no limit.
func runtimeFields() logrus.Fields {
	version, revision, goVersion := forwarder.BuildInfo()
	return logrus.Fields{
		"version": version, "revision": revision, "go_version": goVersion,
		"gomaxprocs": runtime.GOMAXPROCS(0),
		"gomemlimit": debug.SetMemoryLimit(-1), // a negative limit changes nothing
	}
}

// consume runs the consumer, measures its backlog and records its history until ctx is done, and then closes the hub.
func (d *Daemon) consume(ctx context.Context) {
	watching, stop := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	watchers.Go(func() { backlog.New(d.stats, d.log).Run(watching) })
	watchers.Go(func() { d.history.Run(watching) })
	consumer.New(d.cfg, d.readerID, d.hub, d.store, sink{d.poster}, d.stats, d.health, d.log).Run(ctx)
	stop()
	watchers.Wait()
	d.closeHub(ctx)
}

// sink makes a poster an eventhub.Sink. It is needed because webhook does not import eventhub, and its OpenSession
// returns another type.
type sink struct{ poster *webhook.Poster }

// OpenSession implements eventhub.Sink.
func (s sink) OpenSession() eventhub.Session { return s.poster.OpenSession() }

// closeHub closes the hub within eventhub.CloseTimeout, even if ctx is done. SHUTDOWNTIMEOUT includes this time.
func (d *Daemon) closeHub(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventhub.CloseTimeout)
	defer cancel()
	if err := d.hub.Close(ctx); err != nil {
		d.log.WithError(err).Warn("close the event hub client")
	}
}

// closeStore closes the store.
func (d *Daemon) closeStore() {
	if err := d.store.Close(); err != nil {
		d.log.WithError(err).Warn("close the checkpoint store")
	}
}
