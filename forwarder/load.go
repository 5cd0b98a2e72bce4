package forwarder

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/variable"
)

// Load reads the configuration from environ, which has the form of os.Environ, and from the files
// that its NAME_FILE variables name. It looks at nothing else. Names are matched whatever their case; white space around values is trimmed;
// an empty variable counts as not set. The error lists every problem, a line each, and holds
// no secret.
func Load(environ []string) (Config, error) {
	p := &problems{}
	p.set = settings(environ, p)
	l := loader{problems: p, in: parse(p.set, p)}
	l.hub()
	l.checkpoints()
	l.auditEvents()
	l.sink()
	l.eventSize()
	l.batches()
	l.retries()
	l.rate()
	l.settling()
	l.logs()
	l.process()
	if err := p.err(); err != nil {
		return Config{}, err
	}
	l.out.Warnings = append(l.out.Warnings, p.hints...)
	return l.out, nil
}

// loader checks the environment part by part and fills in the configuration.
type loader struct {
	*problems
	in  environment
	out Config
}

func (l *loader) isSet(name string) bool {
	_, ok := l.set[name]
	return ok
}

// eventSize keeps the largest event, in a list of its own, below Falco's webhookMaxBatchSize of
// 12 MiB. The smallest leaves room for what an event consists of besides its objects.
func (l *loader) eventSize() {
	l.out.SinkMaxEventSize = l.in.MaxEventSize
	if l.in.MaxEventSize < 1024 || l.in.MaxEventSize > 12_000_000 {
		l.wrong(variable.MaxEventSize)
	}
}

// batches keeps a body below Falco's webhookMaxBatchSize of 12 MiB.
func (l *loader) batches() {
	l.out.PostBatchMaxEvents = l.in.BatchEvents
	if l.in.BatchEvents < 1 || l.in.BatchEvents > 100_000 {
		l.wrong(variable.BatchEvents)
	}
	l.out.PostBatchMaxBytes = l.in.BatchBytes
	if l.in.BatchBytes < 1024 || l.in.BatchBytes > 10<<20 {
		l.wrong(variable.BatchBytes)
	}
}

func (l *loader) retries() {
	l.out.PostMaxRetries = l.in.MaxRetries
	if l.in.MaxRetries < 0 || l.in.MaxRetries > 1_000_000 {
		l.wrong(variable.MaxRetries)
	}
	// The bounds keep retries times delay well inside a time.Duration.
	l.out.PostRetryDelay = time.Duration(l.in.RetryDelay) * time.Millisecond
	if l.out.PostRetryDelay < 0 || l.out.PostRetryDelay > time.Hour {
		l.wrong(variable.RetryDelay)
	}
	l.out.PostTimeout = l.in.PostTimeout
	if l.in.PostTimeout <= 0 {
		l.wrong(variable.PostTimeout)
	}
	l.out.FailurePolicy = FailurePolicy(strings.ToLower(l.in.FailurePolicy))
	if l.out.FailurePolicy != FailureHold && l.out.FailurePolicy != FailureDrop {
		l.wrong(variable.FailurePolicy)
	}
}

func (l *loader) rate() {
	l.out.RateLimit = l.in.RateLimit
	if l.in.RateLimit < 0 || math.IsNaN(l.in.RateLimit) || math.IsInf(l.in.RateLimit, 0) {
		l.wrong(variable.RateLimit)
	}
	l.out.RateBurst = l.in.RateBurst
	if l.in.RateBurst < 1 {
		l.wrong(variable.RateBurst)
	}
	l.out.KeepAlive = l.in.KeepAlive
}

func (l *loader) settling() {
	l.out.SinkReplay = l.onOrOff(variable.SinkReplay, l.in.SinkReplay)
	l.out.SinkSettleTime = l.in.SinkSettleTime
	if l.in.SinkSettleTime < 0 {
		l.wrong(variable.SettleTime)
	}
	if l.out.SinkReplay && l.out.SinkSettleTime > 0 && !l.in.KeepAlive {
		l.out.Warnings = append(l.out.Warnings, variable.KeepAlive+" is false, so a sink that is replaced between two POSTs "+
			"is not noticed, and what was in its queue is lost in spite of "+variable.SinkReplay)
	}
}

// onOrOff also takes true and false, since that is what YAML makes of an on or off without quotes.
func (l *loader) onOrOff(name, value string) bool {
	switch strings.ToLower(value) {
	case "on", "true":
		return true
	case "off", "false":
		return false
	}
	l.wrong(name)
	return false
}

func (l *loader) logs() {
	level, err := logrus.ParseLevel(l.in.LogLevel)
	if err != nil {
		l.wrong(variable.LogLevel)
	}
	l.out.LogLevel = level
	if l.isSet(variable.VerboseLevel) {
		l.verboseLevel()
	}
	l.out.LogFormat = strings.ToLower(l.in.LogFormat)
	if l.isSet(variable.LogFormat) && l.out.LogFormat != "text" && l.out.LogFormat != "json" {
		l.wrong(variable.LogFormat)
	}
}

// verboseLevel maps the .NET predecessor's levels; see the README of sysdiglabs/aks-audit-log.
func (l *loader) verboseLevel() {
	levels := []logrus.Level{logrus.ErrorLevel, logrus.InfoLevel, logrus.DebugLevel, logrus.TraceLevel}
	if l.in.VerboseLevel < 1 || l.in.VerboseLevel > len(levels) {
		l.wrong(variable.VerboseLevel)
		return
	}
	if !l.isSet(variable.LogLevel) {
		l.out.LogLevel = levels[l.in.VerboseLevel-1]
	}
}

func (l *loader) process() {
	l.out.MaxBytesInFlight = l.in.MaxBytesInFlight
	if l.in.MaxBytesInFlight < 1<<20 || l.in.MaxBytesInFlight > math.MaxInt32 {
		l.wrong(variable.MaxBytes)
	}
	l.out.StatsAddress = l.in.StatsAddress
	if err := checkAddress(l.in.StatsAddress); err != nil {
		l.wrong(variable.StatsAddress)
	}
	l.out.ShutdownTimeout = l.in.ShutdownTimeout
	if l.in.ShutdownTimeout <= 0 {
		l.wrong(variable.Shutdown)
	}
	l.out.WatchdogTimeout = l.in.WatchdogTimeout
	if l.in.WatchdogTimeout != 0 && l.in.WatchdogTimeout < time.Second {
		l.wrong(variable.Watchdog)
	}
}

// checkAddress wants [host]:port. Port 0, any free port, is for tests.
func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("split address: %w", err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("parse port: %w", err)
	}
	return nil
}
