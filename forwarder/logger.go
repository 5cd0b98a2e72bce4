package forwarder

import (
	"io"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"
)

// NewLogger returns the daemon's logger, which writes to out at cfg.LogLevel and in
// cfg.LogFormat; where that is empty, as text if out is a terminal, else as JSON. Times are
// in UTC, to the nanosecond.
func NewLogger(cfg Config, out io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(out)
	log.SetLevel(cfg.LogLevel)
	log.SetFormatter(utcFormatter{formatterFor(cfg.LogFormat, out)})
	return log
}

func formatterFor(format string, out io.Writer) logrus.Formatter {
	if format == "text" || format == "" && isTerminal(out) {
		return &logrus.TextFormatter{FullTimestamp: true, TimestampFormat: time.RFC3339Nano}
	}
	return &logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// utcFormatter puts the time of a log entry in UTC, so that the lines of replicas and of the
// cluster can be laid side by side.
type utcFormatter struct{ logrus.Formatter }

// Format implements logrus.Formatter.
func (f utcFormatter) Format(entry *logrus.Entry) ([]byte, error) {
	entry.Time = entry.Time.UTC()
	return f.Formatter.Format(entry)
}
