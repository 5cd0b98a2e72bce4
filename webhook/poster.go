package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/internal/retry"
	"aks-audit-log-go/webhook/advice"
)

// ErrStopping is returned by Deliver after Stop, if the events would need a wait or a retry. They have no outcome, and
// are read again after the next start.
var ErrStopping = errors.New("the daemon is stopping")

// Poster posts audit events to one sink. It is safe for concurrent use: each partition has its own Session, and all
// share one link to the sink.
type Poster struct {
	newClient func(httpclient.Options) *http.Client
	keepAlive bool
	link      *link
	// batchEvents is POSTBATCHMAXEVENTS.
	batchEvents int

	target  string // with user, password and query: for requests, never for messages
	agent   string
	timeout time.Duration
	limiter *rate.Limiter // nil if there is no limit
	plan    retry.Linear
	policy  forwarder.FailurePolicy

	// stopping ends with Stop, and has ErrStopping as its cause.
	stopping context.Context
	stop     context.CancelCauseFunc

	credentials credentials

	// port is the sink's port, for the warning about a proxy in between.
	port string
	// noted is done once it was noted that something else answers in place of Falco.
	noted sync.Once

	secrets  redactor
	refusals refusals
	log      *deliveryLog
	stats    *metrics.Statistics
	health   *health.Health
}

// New returns a poster to cfg.SinkURL. It fails if files of cfg cannot be used. The poster starts no goroutine and
// needs no closing, but its sessions do.
func New(cfg forwarder.Config, stats *metrics.Statistics, health *health.Health, log logrus.FieldLogger) (*Poster, error) {
	credentials, err := loadCredentials(cfg, log)
	if err != nil {
		return nil, err
	}
	version, _, _ := forwarder.BuildInfo()
	p := &Poster{
		newClient:   httpclient.New,
		keepAlive:   cfg.KeepAlive,
		batchEvents: cfg.PostBatchMaxEvents,

		target:  cfg.SinkURL.String(),
		agent:   "aks-audit-log-go/" + version + cfg.SinkAgent,
		timeout: cfg.PostTimeout,
		plan:    retry.Linear{Retries: cfg.PostMaxRetries, Step: cfg.PostRetryDelay},
		policy:  cfg.FailurePolicy,

		credentials: credentials,
		port:        advice.Port(cfg.SinkURL),

		secrets: newRedactor(cfg.SinkURL),
		log:     newDeliveryLog(log),
		stats:   stats,
		health:  health,
	}
	p.link = newLink(p, cfg)
	p.stopping, p.stop = context.WithCancelCause(context.Background())
	if cfg.RateLimit > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(cfg.RateLimit), max(1, cfg.RateBurst))
	}
	return p, nil
}

// Stop makes all sessions finish: see Session.Deliver.
func (p *Poster) Stop() { p.stop(ErrStopping) }

// ForgetRefusals makes the next refused request count as the first in a row. It is for dead letters that are sent
// again: their refusal says nothing about the endpoint.
func (p *Poster) ForgetRefusals() { p.refusals.reset() }
