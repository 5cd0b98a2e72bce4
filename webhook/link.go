package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/barrier"
	"aks-audit-log-go/webhook/body"
	"aks-audit-log-go/webhook/confirm"
	"aks-audit-log-go/webhook/pace"
	"aks-audit-log-go/webhook/turn"
)

// link is the way to the sink that all sessions share: one connection, with one request at a time. All requests go
// through one queue in Falco, so each one helps to confirm those before it, of any partition. And the number of
// unconfirmed requests, which are sent again after a loss, does not grow with the number of partitions.
//
// The link also sends barriers, which confirm requests that no other request follows, and closes the idle connection.
type link struct {
	poster  *Poster
	tracker *confirm.Tracker
	pace    *pace.Pace
	// turn belongs to the session that is posting a request.
	turn turn.Turn

	mu sync.Mutex
	// sessions is the number of open sessions. ctx ends when there is none.
	sessions int
	ctx      context.Context
	cancel   context.CancelFunc
	client   *http.Client
	// work counts the goroutines that use ctx.
	work sync.WaitGroup

	// timer calls tick. arming guards timer, and ticking is held while tick runs.
	timer           *time.Timer
	arming, ticking sync.Mutex
}

var errNoSession = errors.New("the session is closed")

func newLink(p *Poster, cfg forwarder.Config) *link {
	l := &link{poster: p, pace: pace.New(cfg.PostBatchMaxEvents, cfg.PostBatchMaxBytes)}
	l.tracker = confirm.NewTracker(confirm.Options{
		ConfirmTime: cfg.SinkSettleTime, Interval: cfg.CheckpointInterval,
		Replay: cfg.SinkReplay, KeepAlive: cfg.KeepAlive,
		Barriers: cfg.SinkBarrier != forwarder.BarrierOff, Insist: cfg.SinkBarrier == forwarder.BarrierOn,
		Weaker: p.log.weaker,
	})
	l.timer = time.AfterFunc(time.Hour, l.tick)
	l.timer.Stop()
	return l
}

func (l *link) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions++; l.sessions > 1 {
		return
	}
	// The work may outlive the session that began it, so it does not use the context of a caller.
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if l.client == nil {
		l.client = l.poster.newClient(httpclient.Options{
			KeepAlive: l.poster.keepAlive, Watcher: l.tracker, TLS: l.poster.credentials.tls,
		})
	}
}

// close ends a session. With the last one, the link ends the work in progress and closes the connection.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions--; l.sessions > 0 {
		return
	}
	l.cancel()
	l.timer.Stop()
	l.work.Wait()
	l.client.CloseIdleConnections()
}

// begin returns the context of new work, and a function to call at its end. ok is false if no session is open.
func (l *link) begin() (ctx context.Context, end func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions == 0 {
		return nil, nil, false
	}
	l.work.Add(1)
	return l.ctx, l.work.Done, true
}

// exchange calls do when it is the session's turn. If ctx ends meanwhile, exchange returns false at once, but do goes
// on: cutting a request off would lose what other sessions have not confirmed. do ends with the last session.
func (l *link) exchange(ctx context.Context, s *Session, more bool, do func(ctx context.Context) answer) (answer, bool) {
	working, end, ok := l.begin()
	if !ok {
		return answer{class: retryable, failure: l.poster.secrets.noAnswer(errNoSession)}, true
	}
	if !l.turn.Take(ctx, s) {
		end()
		return answer{}, false
	}
	done := make(chan answer, 1)
	go func() {
		defer end()
		a := do(working)
		done <- a
		l.turn.Pass(more && a.class == accepted)
		l.arm()
	}()
	select {
	case a := <-done:
		return a, true
	case <-ctx.Done():
		return answer{}, false
	}
}

// arm sets the timer to the next step while nothing is posted.
func (l *link) arm() {
	l.arming.Lock()
	defer l.arming.Unlock()
	if next := l.tracker.Next(); next != (barrier.Step{}) {
		l.timer.Reset(max(0, next.After))
	}
}

// tick does the steps that are due while nothing is posted.
func (l *link) tick() {
	ctx, end, ok := l.begin()
	if !ok {
		return
	}
	defer end()
	l.ticking.Lock()
	defer l.ticking.Unlock()
	for ctx.Err() == nil {
		next := l.tracker.Next()
		switch {
		case next.After > 0:
			l.arm()
			return
		case next.Barrier:
			l.barrier(ctx, next.Row)
		case next.CloseIdle:
			l.client.CloseIdleConnections()
			return
		default:
			return
		}
	}
}

// barrierBody is the body of a barrier. Falco's plugin queues it like a batch, and makes no event of it.
var barrierBody = body.Of("[]")

// barrier waits for its turn, and posts a barrier, or a row of them, if one is still due.
func (l *link) barrier(ctx context.Context, row bool) {
	if !l.turn.TakeBetween(ctx) {
		return
	}
	defer l.turn.Pass(false)
	for again := true; again && ctx.Err() == nil && l.tracker.BeginBarrier(); again = row {
		l.postBarrier(ctx)
	}
}

func (l *link) postBarrier(ctx context.Context) {
	defer l.tracker.End()
	sent := time.Now()
	a := l.post(ctx, barrierBody)
	switch {
	case a.sinkIsGone():
		l.tracker.NoSink(a.failure)
	case a.status != 0:
		l.tracker.Barrier(a.class == accepted, a.class != retryable, sent)
	}
}
