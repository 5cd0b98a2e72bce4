// Package webhook posts audit events to the sink and says what became of each: the retries,
// the rate limit and the verdicts of the daemon.
//
// It works in layers, each in a file of its own. An attempt (attempt.go) is one POST and its
// answer; classify (classify.go) says what such an answer means; a delivery (delivery.go) is the
// loop that repeats attempts on one body until there is an outcome; batch.go cuts the events into
// bodies, as large as batchsize.go says, and halves those that the sink refuses.
//
// Nothing is given up that a retry or an operator can mend. With the default policy a body
// that the sink does not take is held: it is tried again, for as long as it takes, and what
// stands behind it in its partition waits.
//
// Nor is a sink believed that says it has taken a body: it may die with it. Each partition posts
// on a Lane (lane.go), whose ledger (ledger.go) knows what the sink must have used by now, and
// notices when the rest is lost.
package webhook

import (
	"errors"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/confirm"
)

// ErrStopping is returned by Deliver where the daemon has been asked to stop and the events
// that are left would need a wait or a retry. They have no outcome and come again after the
// next start.
var ErrStopping = errors.New("the daemon is stopping")

// Poster posts audit events to one sink. It is safe for concurrent use: each partition has a
// Lane of its own.
type Poster struct {
	newClient func(httpclient.Options) *http.Client
	keepAlive bool
	// settleTime and replay are SINKSETTLETIME and SINKREPLAY.
	settleTime time.Duration
	replay     bool

	// batchEvents and batchBytes are POSTBATCHMAXEVENTS and POSTBATCHMAXBYTES.
	batchEvents int
	batchBytes  int

	target  string // with user, password and query: for requests, never for messages
	agent   string
	timeout time.Duration
	limiter *rate.Limiter // nil where there is no limit
	plan    schedule
	policy  forwarder.FailurePolicy
	stop    <-chan struct{}

	credentials credentials

	secrets    redactor
	refusals   refusals
	idleCloses confirm.IdleCloses
	log        *deliveryLog
	stats      *metrics.Statistics
	health     *health.Health
}

// New returns a poster to cfg.SinkURL, with the retries, policy, time-out, rate limit and
// settling of cfg. Closing stop asks the poster to finish: see Lane.Deliver. The poster starts
// no goroutine and needs no closing; its lanes do. A file of cfg that cannot be used is an error.
func New(cfg forwarder.Config, stats *metrics.Statistics, health *health.Health,
	log logrus.FieldLogger, stop <-chan struct{},
) (*Poster, error) {
	credentials, err := loadCredentials(cfg, log)
	if err != nil {
		return nil, err
	}
	version, _, _ := forwarder.BuildInfo()
	p := &Poster{
		newClient:  httpclient.New,
		keepAlive:  cfg.KeepAlive,
		settleTime: cfg.SinkSettleTime,
		replay:     cfg.SinkReplay,

		batchEvents: cfg.PostBatchMaxEvents,
		batchBytes:  cfg.PostBatchMaxBytes,

		target:  cfg.SinkURL.String(),
		agent:   "aks-audit-log-go/" + version,
		timeout: cfg.PostTimeout,
		plan:    schedule{maxRetries: cfg.PostMaxRetries, step: cfg.PostRetryDelay},
		policy:  cfg.FailurePolicy,
		stop:    stop,

		credentials: credentials,

		secrets: newRedactor(cfg.SinkURL),
		log:     newDeliveryLog(log),
		stats:   stats,
		health:  health,
	}
	if cfg.RateLimit > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(cfg.RateLimit), max(1, cfg.RateBurst))
	}
	return p, nil
}
