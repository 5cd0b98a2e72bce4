package forwarder

import (
	"bytes"
	"io"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"
)

// Debugging reports whether log logs debug messages. It is true for a logger of an unknown type, which decides by
// itself.
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

// NewLogger returns a logger that writes to out at cfg.LogLevel and in cfg.LogFormat. If LogFormat is empty, it writes
// text to a terminal and JSON elsewhere. Times are in UTC, with nanoseconds.
func NewLogger(cfg Config, out io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(out)
	log.SetLevel(cfg.LogLevel)
	log.SetFormatter(plainFormatter{formatterFor(cfg.LogFormat, out)})
	return log
}

func formatterFor(format string, out io.Writer) logrus.Formatter {
	if format == "text" || format == "" && IsTerminal(out) {
		return &logrus.TextFormatter{FullTimestamp: true, TimestampFormat: time.RFC3339Nano}
	}
	return &logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano}
}

// IsTerminal reports whether out is a terminal.
func IsTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// LevelName returns a level as LOGLEVEL spells it. logrus writes warning for warn.
func LevelName(level logrus.Level) string {
	if level == logrus.WarnLevel {
		return "warn"
	}
	return level.String()
}

// renameLevel writes the level of a warning as LOGLEVEL spells it, because the formatters of logrus write it
// themselves. In JSON its quotes mark it as the member: in a string they would have backslashes. In text it is the
// second field. A coloured line, on a terminal, begins differently and has WARN.
func renameLevel(line []byte) []byte {
	level := []byte(`"level":"warning"`)
	if bytes.HasPrefix(line, []byte("time=")) {
		level = []byte(` level=warning `)
	}
	return bytes.Replace(line, level, bytes.Replace(level, []byte("warning"), []byte(LevelName(logrus.WarnLevel)), 1), 1)
}

// plainFormatter makes entries easier to read. Times are in UTC, so that the lines of all replicas and of the cluster
// can be compared. Durations are like "1.5s", because JSON would show nanoseconds. Levels are as LOGLEVEL spells them.
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
	// The caller may log the entry again, so its own fields are not changed.
	plain := *entry
	plain.Data = fields
	line, err := f.Formatter.Format(&plain)
	if entry.Level == logrus.WarnLevel {
		line = renameLevel(line)
	}
	return line, err
}
