package forwarder

import (
	"math"
	"strings"
	"time"

	"aks-audit-log-go/forwarder/variable"
)

// batches checks the size of a batch. Its body must stay below Falco's webhookMaxBatchSize of 12 MiB.
func (l *loader) batches() {
	l.out.PostBatchMaxEvents = l.in.BatchEvents
	if l.in.BatchEvents < 1 || l.in.BatchEvents > 100_000 {
		l.problems.wrong(variable.BatchEvents)
	}
	l.out.PostBatchMaxBytes = l.in.BatchBytes
	if l.in.BatchBytes < 1024 || l.in.BatchBytes > 10<<20 {
		l.problems.wrong(variable.BatchBytes)
	}
}

func (l *loader) retries() {
	l.out.PostMaxRetries = l.in.MaxRetries
	if l.in.MaxRetries < 0 || l.in.MaxRetries > 1_000_000 {
		l.problems.wrong(variable.MaxRetries)
	}
	// The bounds keep retries times delay well inside a time.Duration.
	l.out.PostRetryDelay = time.Duration(l.in.RetryDelay) * time.Millisecond
	if l.out.PostRetryDelay < 0 || l.out.PostRetryDelay > time.Hour {
		l.problems.wrong(variable.RetryDelay)
	}
	l.out.PostTimeout = l.in.PostTimeout
	if l.in.PostTimeout <= 0 {
		l.problems.wrong(variable.PostTimeout)
	}
	l.out.FailurePolicy = FailurePolicy(strings.ToLower(l.in.FailurePolicy))
	if l.out.FailurePolicy != FailureHold && l.out.FailurePolicy != FailureDrop {
		l.problems.wrong(variable.FailurePolicy)
	}
}

func (l *loader) rate() {
	l.out.RateLimit = l.in.RateLimit
	if l.in.RateLimit < 0 || math.IsNaN(l.in.RateLimit) || math.IsInf(l.in.RateLimit, 0) {
		l.problems.wrong(variable.RateLimit)
	}
	l.out.RateBurst = l.in.RateBurst
	if l.in.RateBurst < 1 {
		l.problems.wrong(variable.RateBurst)
	}
	l.out.KeepAlive = l.in.KeepAlive
}

// confirming checks when accepted audit events are confirmed.
func (l *loader) confirming() {
	l.out.SinkReplay = l.onOrOff(variable.SinkReplay, l.in.SinkReplay)
	l.out.SinkSettleTime = l.in.SinkSettleTime
	if l.in.SinkSettleTime < 0 {
		l.problems.wrong(variable.SettleTime)
	}
	l.barriers()
	if l.out.SinkReplay && l.out.SinkSettleTime > 0 && !l.in.KeepAlive {
		l.warn(variable.KeepAlive + " is false, so a sink that is replaced between two POSTs " +
			"is not noticed, and what was in its queue is lost in spite of " + variable.SinkReplay)
	}
}

// barriers accepts true and false for on and off, as onOrOff does.
func (l *loader) barriers() {
	if value := strings.ToLower(l.in.SinkBarrier); value == string(BarrierAuto) {
		l.out.SinkBarrier = BarrierAuto
	} else if l.onOrOff(variable.SinkBarrier, value) {
		l.out.SinkBarrier = BarrierOn
	} else {
		l.out.SinkBarrier = BarrierOff
	}
}
