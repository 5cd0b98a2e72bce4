package connstr

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted stands wherever a secret would.
const redacted = "(redacted)"

// Secret is a text that must not be seen in a log, an error or a metric. However it is
// printed, formatted or marshalled it reads "(redacted)"; only Reveal gives the value.
type Secret string

// Reveal returns the secret itself, for the one place that hands it to its client.
func (s Secret) Reveal() string { return string(s) }

// String returns "(redacted)".
func (s Secret) String() string { return redacted }

// GoString returns "(redacted)".
func (s Secret) GoString() string { return redacted }

// MarshalText returns "(redacted)", which covers JSON and YAML too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "(redacted)" to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format writes "(redacted)" for every verb: without it a verb that does not fit, like %d,
// would make fmt print the value in its complaint.
func (s Secret) Format(f fmt.State, _ rune) {
	// A fmt.State keeps what it is given in memory; there is no error to handle.
	_, _ = io.WriteString(f, redacted)
}
