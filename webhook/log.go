package webhook

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// remindEvery is how often a failure that goes on is said again.
	repeatEvery = time.Minute
	// relapseAfter is how soon a failure that had gone is said again when it comes back: a
	// sink that takes every other POST must not fill the log.
	relapseAfter = 10 * time.Second
	// maxRemembered bounds the failures that are remembered, should each be worded anew.
	maxRemembered = 100
)

// journal logs what befalls deliveries. The sink is one, so a failure that all partitions
// meet is said once, not once by each; repetitions are counted and left to the debug level.
type deliveryLog struct {
	log logrus.FieldLogger
	// held is how many audit events are held now.
	held atomic.Int64
	// troubled is set while a failure has been logged that the sink has not made up for. It
	// stands outside the lock for the sake of accepted, which each POST calls.
	failing atomic.Bool

	mu       sync.Mutex
	since    time.Time // when the trouble was first logged
	outage   int       // how many troubles have ended
	failures map[string]*loggedFailure
}

// utterance is a failure that has been logged.
type loggedFailure struct {
	at       time.Time
	outage   int
	repeated int // since then
}

func newDeliveryLog(log logrus.FieldLogger) *deliveryLog {
	return &deliveryLog{log: log, failures: make(map[string]*loggedFailure)}
}

// posting and answered follow each attempt, on the debug level.
func (j *deliveryLog) posting(d *delivery) {
	if !j.debugging() {
		return
	}
	j.entry(d).WithField("bytes", d.request.size).Debug("posting audit event")
}

func (j *deliveryLog) answered(d *delivery, a answer) {
	if !j.debugging() {
		return
	}
	entry := j.entry(d).WithField("duration", a.took)
	if a.failure == nil {
		entry.WithField("status", a.status).Debug("sink accepted audit event")
		return
	}
	withFailure(entry, a).Debug("sink did not accept audit event")
}

// failed says that a POST is going to be tried again.
func (j *deliveryLog) failed(d *delivery, a answer, delay time.Duration) {
	if repeated, _, due := j.due("failed: " + a.failure.reason); due {
		j.failure(d, a, repeated).WithField("delay", delay).Warn("post failed, trying again")
	}
}

// holding says that a parcel is kept, and that from time to time again.
func (j *deliveryLog) holding(d *delivery, a answer, meaning class, delay time.Duration) {
	repeated, reminder, due := j.due("holding: " + a.failure.reason)
	if !due {
		return
	}
	entry := j.failure(d, a, repeated).WithField("delay", delay).WithField("held", j.held.Load())
	switch {
	case reminder:
		entry.Warn("still holding audit events until the sink takes them")
	case meaning == misconfigured:
		entry.Error("sink endpoint seems to be set up wrong, holding the audit event until it is accepted")
	default:
		entry.Error("retries used up, holding the audit event until the sink takes it")
	}
}

// dropped says that a parcel is lost, as the operator wanted it.
func (j *deliveryLog) dropped(d *delivery, a answer, meaning class) {
	repeated, _, due := j.due("dropped: " + a.failure.reason)
	if !due {
		return
	}
	entry := j.failure(d, a, repeated)
	if meaning == misconfigured {
		entry.Error("sink endpoint seems to be set up wrong, audit event dropped")
		return
	}
	entry.Error("retries used up, audit event dropped")
}

// accepted says that the sink is back, if it was said that it was not.
func (j *deliveryLog) accepted(d *delivery) {
	if !j.failing.Load() {
		return
	}
	j.mu.Lock()
	ended := j.failing.CompareAndSwap(true, false)
	since := j.since
	if ended {
		j.outage++
	}
	j.mu.Unlock()
	if ended {
		j.entry(d).WithField("duration", time.Since(since)).Info("sink answers again")
	}
}

// due reports whether a failure is to be logged now: the first of its kind, and then one a
// minute. It also returns how many were not logged before it, and whether it is the reminder
// of a trouble that goes on.
func (j *deliveryLog) due(what string) (repeated int, reminder, due bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	last, known := j.failures[what]
	reminder = known && last.outage == j.outage
	if known {
		interval := relapseAfter
		if reminder {
			interval = repeatEvery
		}
		if now.Sub(last.at) < interval {
			last.repeated++
			return 0, false, false
		}
		repeated = last.repeated
	} else if len(j.failures) >= maxRemembered {
		clear(j.failures)
	}
	j.failures[what] = &loggedFailure{at: now, outage: j.outage}
	if j.failing.CompareAndSwap(false, true) {
		j.since = now
	}
	return repeated, reminder, true
}

// entry names the audit event and the attempt.
func (j *deliveryLog) entry(d *delivery) *logrus.Entry {
	return j.log.WithFields(d.request.logFields()).WithField("attempt", d.attempts)
}

// failure is an entry about one, and how many like it were left out before.
func (j *deliveryLog) failure(d *delivery, a answer, repeated int) *logrus.Entry {
	entry := withFailure(j.entry(d), a)
	if repeated > 0 {
		entry = entry.WithField("repeated", repeated)
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

// debugging spares the path of every audit event the cost of fields that nobody will see.
func (j *deliveryLog) debugging() bool {
	switch log := j.log.(type) {
	case *logrus.Logger:
		return log.IsLevelEnabled(logrus.DebugLevel)
	case *logrus.Entry:
		return log.Logger.IsLevelEnabled(logrus.DebugLevel)
	default:
		return true
	}
}
