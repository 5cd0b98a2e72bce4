package forwarder

import (
	"io"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"
)

func Debugging(log logrus.FieldLogger) bool {
	switch log := log.(type) {
	case *logrus.Logger:
		return log.IsLevelEnabled(logrus.DebugLevel)
	case *logrus.Entry:
		return log.Logger.IsLevelEnabled(logrus.DebugLevel)
	default:
		return true
	}
}

// NewLogger returns the daemon's logger, which writes to out at cfg.LogLevel and in
// cfg.LogFormat; where that is empty, as text if out is a terminal, else as JSON. Times are
// in UTC, to the nanosecond.
func NewLogger(cfg Config, out io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(out)
	log.SetLevel(cfg.LogLevel)
	log.SetFormatter(plainFormatter{formatterFor(cfg.LogFormat, out)})
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

// plainFormatter writes an entry for people: its time in UTC, so that the lines of replicas and
// of the cluster can be laid side by side, and durations as "1.5s", which JSON has as a bare
// number of nanoseconds.
type plainFormatter struct{ logrus.Formatter }

// Format implements logrus.Formatter.
func (f plainFormatter) Format(entry *logrus.Entry) ([]byte, error) {
	entry.Time = entry.Time.UTC()
	fields := make(logrus.Fields, len(entry.Data))
	for name, value := range entry.Data {
		if duration, ok := value.(time.Duration); ok {
			value = duration.String()
		}
		fields[name] = value
	}
	// The entry may be one that its owner logs again: its own fields stay as they are.
	plain := *entry
	plain.Data = fields
	return f.Formatter.Format(&plain)
}
