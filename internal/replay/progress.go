package replay

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/sirupsen/logrus"
)

const (
	// logInterval is how often the log says how far the replay is.
	logInterval = 10 * time.Second
	// barSteps is what a bar counts up to.
	barSteps = 1000
)

// howFar is how far a replay is.
type howFar struct {
	hubEvents, sent int
	// share is how much of the time between -from and -to is done, over all partitions, from 0 to 1.
	share float64
}

// progress shows how far a replay is: by a bar on a terminal, else by log.
type progress struct {
	// mu keeps the bar and the log apart.
	mu  sync.Mutex
	out io.Writer
	log *logrus.Logger
	// bar is nil if out is no terminal, and after close.
	bar *progressbar.ProgressBar
	// logged is when the log said it the last time.
	logged time.Time
}

// newProgress returns what shows the progress on out. Until close, what is logged goes above the bar.
func newProgress(out io.Writer, terminal bool, log *logrus.Logger) *progress {
	p := &progress{out: out, log: log, logged: time.Now()}
	if terminal {
		p.bar = progressbar.NewOptions64(barSteps, progressbar.OptionSetWriter(out), progressbar.OptionUseANSICodes(true),
			progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionSetDescription("reading"))
		log.SetOutput(aboveBar{p})
	}
	return p
}

// show shows how far the replay is.
func (p *progress) show(now howFar) {
	p.mu.Lock()
	if p.bar == nil {
		p.mu.Unlock()
		p.logNow(now)
		return
	}
	defer p.mu.Unlock()
	_ = p.bar.Set64(int64(now.share * (barSteps - 1))) // a terminal that is gone does not end the replay
	p.bar.Describe(fmt.Sprintf("%d audit events of %d hub events", now.sent, now.hubEvents))
}

// logNow logs how far the replay is, at most once an interval.
func (p *progress) logNow(now howFar) {
	if time.Since(p.logged) < logInterval {
		return
	}
	p.logged = time.Now()
	p.log.WithFields(logrus.Fields{"sent": now.sent, "hub_events": now.hubEvents, "percent": int(now.share * 100)}).Info("replaying")
}

// close removes the bar. It may be called again.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// aboveBar writes what is logged where the bar is, and the bar below it.
type aboveBar struct{ *progress }

// Write implements io.Writer.
func (w aboveBar) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bar == nil {
		return w.out.Write(text)
	}
	_ = w.bar.Clear()
	n, err := w.out.Write(text)
	_ = w.bar.RenderBlank()
	return n, err
}

// howFar returns how far the round is, with what the sink has accepted.
func (r *round) howFar() howFar {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts, ends := r.state.Counts.clone(), map[string]time.Time{}
	for partition, last := range r.state.Partitions {
		ends[partition] = last.Enqueued
	}
	for _, l := range r.lanes {
		for _, p := range l.passed {
			counts.add(p.counts)
			ends[l.partition] = p.position.Enqueued
		}
	}
	var done, all time.Duration
	for partition, info := range r.found {
		end := info.LastEnqueued
		if end.After(r.options.To) {
			end = r.options.To
		}
		all += max(0, end.Sub(r.options.From))
		done += min(max(0, ends[partition].Sub(r.options.From)), max(0, end.Sub(r.options.From)))
	}
	share := 0.0
	if all > 0 {
		share = float64(done) / float64(all)
	}
	return howFar{hubEvents: counts.HubEvents, sent: counts.Sent, share: share}
}
