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
	// logInterval is how often the progress is logged.
	logInterval = 10 * time.Second
	// barSteps is how many steps the bar has.
	barSteps = 1000
)

// howFar is the progress of a replay.
type howFar struct {
	hubEvents, sent int
	// share is the part of the time between -from and -to that is done, over all partitions, from 0 to 1.
	share float64
}

// progress shows the progress, with a bar on a terminal, and otherwise in the log.
type progress struct {
	// mu keeps the output of the bar and of the log apart.
	mu  sync.Mutex
	out io.Writer
	log *logrus.Logger
	// bar is nil if out is no terminal, and after close.
	bar *progressbar.ProgressBar
	// logged is when the progress was logged last.
	logged time.Time
}

// newProgress returns a progress that writes to out. If it has a bar, log writes above the bar until close.
func newProgress(out io.Writer, terminal bool, log *logrus.Logger) *progress {
	p := &progress{out: out, log: log, logged: time.Now()}
	if terminal {
		p.bar = progressbar.NewOptions64(barSteps, progressbar.OptionSetWriter(out), progressbar.OptionUseANSICodes(true),
			progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionSetDescription("reading"))
		log.SetOutput(aboveBar{p})
	}
	return p
}

// show shows the progress.
func (p *progress) show(now howFar) {
	p.mu.Lock()
	if p.bar == nil {
		p.mu.Unlock()
		p.logNow(now)
		return
	}
	defer p.mu.Unlock()
	_ = p.bar.Set64(int64(now.share * (barSteps - 1))) // the replay goes on even if the terminal is gone
	p.bar.Describe(fmt.Sprintf("%d audit events of %d hub events", now.sent, now.hubEvents))
}

// logNow logs the progress, at most once per logInterval.
func (p *progress) logNow(now howFar) {
	if time.Since(p.logged) < logInterval {
		return
	}
	p.logged = time.Now()
	p.log.WithFields(logrus.Fields{"sent": now.sent, "hub_events": now.hubEvents, "percent": int(now.share * 100)}).Info("replaying")
}

// close removes the bar. It may be called more than once.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// aboveBar is a writer that clears the bar, writes, and draws the bar again below.
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

// howFar returns the progress, including what the sink has accepted but not confirmed.
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
