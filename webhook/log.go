package webhook

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/loglimit"
)

const (
	// reminderInterval is how often a lasting failure is logged again.
	reminderInterval = time.Minute
	// relapseInterval is how soon a failure that comes back is logged again: a sink that takes every other POST must
	// not fill the log.
	relapseInterval = 10 * time.Second
)

// deliveryLog logs what happens to deliveries. All partitions have the same sink, so a failure that all of them see is
// logged once. Repetitions are counted, and logged at the debug level only.
type deliveryLog struct {
	log logrus.FieldLogger
	// held is the log field "held": the number of audit events that are being retried forever.
	held atomic.Int64
	// failing is whether the sink has accepted nothing since a failure was logged. It is outside the lock because each
	// POST reads it.
	failing atomic.Bool

	mu       sync.Mutex
	since    time.Time
	failures loglimit.Limiter
}

func newDeliveryLog(log logrus.FieldLogger) *deliveryLog {
	return &deliveryLog{log: log, failures: loglimit.Limiter{Interval: reminderInterval}}
}

func (l *deliveryLog) posting(d *delivery) {
	// The check saves each POST the cost of fields that are not logged.
	if !forwarder.Debugging(l.log) {
		return
	}
	l.entry(d).WithField("bytes", d.request.body.Size).Debug("posting audit event")
}

func (l *deliveryLog) answered(d *delivery, a answer) {
	if !forwarder.Debugging(l.log) {
		return
	}
	entry := l.entry(d).WithField("duration", a.took)
	if a.failure == nil {
		entry.WithField("status", a.status).Debug("sink accepted audit event")
		return
	}
	withFailure(entry, a).Debug("sink did not accept audit event")
}

// failed logs that a POST failed and is retried after the delay.
func (l *deliveryLog) failed(d *delivery, a answer, delay time.Duration) {
	if next := l.nextFailure("failed: " + a.failure.reason); next.Log {
		l.failure(d, a, next.LeftOut).WithField("delay", delay).Warn("post failed, trying again")
	}
}

// retryingForever logs that a request is retried forever, and reminds of it from time to time.
func (l *deliveryLog) retryingForever(d *delivery, a answer, class class, delay time.Duration) {
	next := l.nextFailure("holding: " + a.failure.reason)
	if !next.Log {
		return
	}
	entry := l.failure(d, a, next.LeftOut).WithField("delay", delay).WithField("held", l.held.Load())
	switch {
	case next.Reminder:
		entry.Warn("still holding audit events until the sink takes them")
	case class == misconfigured:
		entry.Error("sink endpoint seems to be configured wrong: holding the audit event until the sink accepts it; check WEBSINKURL")
	default:
		entry.Error("retries used up, holding the audit event until the sink takes it")
	}
}

// dropped logs that the policy drops a request.
func (l *deliveryLog) dropped(d *delivery, a answer, class class) {
	next := l.nextFailure("dropped: " + a.failure.reason)
	if !next.Log {
		return
	}
	entry := l.failure(d, a, next.LeftOut)
	if class == misconfigured {
		entry.Error("sink endpoint seems to be configured wrong: audit event dropped; check WEBSINKURL")
		return
	}
	entry.Error("retries used up: audit event dropped, Falco never sees it")
}

// accepted logs that the sink works again, if a failure was logged before.
func (l *deliveryLog) accepted(d *delivery) {
	if !l.failing.Load() {
		return
	}
	l.mu.Lock()
	recovered, since := l.failing.CompareAndSwap(true, false), l.since
	if recovered {
		l.failures.Recover(relapseInterval)
	}
	l.mu.Unlock()
	if recovered {
		l.entry(d).WithField("duration", time.Since(since)).Info("sink answers again")
	}
}

// weaker logs that accepted requests are confirmed by less evidence than Falco allows.
func (l *deliveryLog) weaker(why string) {
	l.log.WithField("reason", why).Warn("the sink does not behave as Falco does: what it accepted counts as settled " +
		"after SINKSETTLETIME, and is lost if the sink ends without having used it by then")
}

// nextFailure decides whether a failure is logged: the first of its kind, and then one a minute.
func (l *deliveryLog) nextFailure(kind string) loglimit.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.failures.Next(kind)
	if next.Log && l.failing.CompareAndSwap(false, true) {
		l.since = time.Now()
	}
	return next
}

func (l *deliveryLog) entry(d *delivery) *logrus.Entry {
	return l.log.WithFields(d.request.logFields()).WithField("attempt", d.attempts)
}

// failure returns a log entry about a failure, with the number of similar ones that were not logged before.
func (l *deliveryLog) failure(d *delivery, a answer, leftOut int) *logrus.Entry {
	entry := withFailure(l.entry(d), a)
	if leftOut > 0 {
		entry = entry.WithField("repeated", leftOut)
	}
	return entry
}

func withFailure(entry *logrus.Entry, a answer) *logrus.Entry {
	entry = entry.WithError(a.failure)
	if a.status != 0 {
		entry = entry.WithField("status", a.status)
	}
	return entry
}
