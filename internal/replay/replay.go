package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/beside"
	"aks-audit-log-go/internal/resend"
)

// Options say what is sent again, and where to.
type Options struct {
	// From and To bound the hub events that are sent: those enqueued at From or later, and before To. A zero To means
	// now.
	From, To time.Time
	// Group is the consumer group to read in, or "" for the configured one.
	Group string
	// SinkURL is the sink that the user gave in place of WEBSINKURL, or "". The configuration has it already.
	SinkURL string
	// DryRun reads and unpacks, but sends nothing.
	DryRun bool
	// StateFile is the file that stores the progress of the replay, or "".
	StateFile string
}

// UserAgent is added to the user agent of the POSTs, so that the sink can tell a replay from the daemon.
const UserAgent = " replay"

var (
	// ErrMisused says that the command was called in a way that can never work.
	ErrMisused = errors.New("wrong use of this command")
	// errNotAccepted says that the replay is complete, but the sink lacks some audit events.
	errNotAccepted = errors.New("not everything could be sent; see above")
	// errInterrupted says that a signal ended the replay.
	errInterrupted = errors.New("interrupted")
	// errSinkFails says that all retries failed.
	errSinkFails = errors.New("the sink does not take the audit events")
	// errSinkLost says that the connection ended, and the sink may have lost audit events that it had accepted.
	errSinkLost = errors.New("the connection to the sink was lost before it confirmed all audit events")
)

// Run replays the hub events that the options choose. It prints the result to out, and the progress to stderr: with a
// bar on a terminal, and otherwise in the log.
func Run(ctx context.Context, cfg forwarder.Config, options Options, out, stderr io.Writer, log *logrus.Logger) error {
	if options.To.IsZero() {
		options.To = time.Now()
	}
	// The service's times are in milliseconds. Short times also keep the command line short that continues the replay.
	options.From, options.To = options.From.UTC().Truncate(time.Millisecond), options.To.UTC().Truncate(time.Millisecond)
	if !options.From.Before(options.To) {
		return fmt.Errorf("%w: -from %s is not before -to %s", ErrMisused, inText(options.From), inText(options.To))
	}
	known, err := loadState(options.StateFile, stateOf(cfg, options))
	if err != nil {
		return err
	}
	shown := newProgress(stderr, forwarder.IsTerminal(stderr), log)
	defer shown.close()
	var sink stoppableSink = noSink{}
	if !options.DryRun {
		cfg.SinkAgent = UserAgent
		if sink, err = resend.NewSink(cfg, log); err != nil {
			return err
		}
	}
	r := &replay{
		options: options, before: known.Counts.Sent, limits: limitsOf(cfg), sink: sink, state: known, progress: shown, log: log,
		read: func(ctx context.Context, options beside.Options, handle beside.Handle) error {
			return beside.Read(ctx, cfg, options, log, handle)
		},
	}
	err = r.run(ctx)
	shown.close()
	return errors.Join(err, r.report(out, cfg, err))
}

// stoppableSink is a sink that can be told to stop.
type stoppableSink interface {
	eventhub.Sink
	// Stop lets a POST in progress end. After it, sessions neither wait nor retry.
	Stop()
}

// replay is one run of the command.
type replay struct {
	options  Options
	limits   limits
	sink     stoppableSink
	read     func(ctx context.Context, options beside.Options, handle beside.Handle) error
	progress *progress
	log      *logrus.Logger

	// state is what the sink has confirmed. After run, unconfirmed is what the sink has accepted but not confirmed.
	state *state
	// before is how many audit events were sent before this run.
	before      int
	unconfirmed Counts
	// found is what each partition held when it was opened. oldest has the partitions in which retention may have
	// removed hub events that were to be sent, with the enqueued time of the oldest one that is left.
	found  map[string]eventhub.PartitionInfo
	oldest map[string]time.Time
}

// maxLosses is how many rounds in a row may lose the connection to the sink without any confirmation.
const maxLosses = 5

// run replays in rounds. If the connection to the sink is lost, the next round reads again what the sink has not
// confirmed.
func (r *replay) run(ctx context.Context) error {
	r.found, r.oldest = map[string]eventhub.PartitionInfo{}, map[string]time.Time{}
	if err := r.save(); err != nil { // a file that cannot be written ends it before anything is sent
		return err
	}
	for losses := 1; ; losses++ {
		before := r.state.Counts.HubEvents
		err := r.newRound().run(ctx)
		if r.state.Counts.HubEvents > before {
			losses = 1
		}
		switch {
		case ctx.Err() != nil:
			return errInterrupted
		case err == nil && r.state.Counts.incomplete():
			return errNotAccepted
		case !errors.Is(err, errSinkLost) || losses >= maxLosses:
			return err
		}
		r.log.WithError(err).Warn("the sink may have lost audit events, reading again those that it has not confirmed")
	}
}

// save writes the state to its file, if there is one.
func (r *replay) save() error {
	if r.options.StateFile == "" || r.options.DryRun {
		return nil
	}
	return r.state.save(r.options.StateFile)
}
