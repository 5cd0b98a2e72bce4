package connstr

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "(redacted)"

// Secret is a text that must not appear in a log, an error or a metric. Printed, formatted or marshalled, it is
// "(redacted)". Only Reveal returns the value.
type Secret string

// Reveal returns the secret itself, for the one place that passes it to a client.
func (s Secret) Reveal() string { return string(s) }

// String returns "(redacted)".
func (s Secret) String() string { return redacted }

// GoString returns "(redacted)".
func (s Secret) GoString() string { return redacted }

// MarshalText returns "(redacted)". JSON and YAML use it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "(redacted)" to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format writes "(redacted)" for every verb. Without it, fmt would print the value in its error about a verb that does
// not fit a string, like %d.
func (s Secret) Format(f fmt.State, _ rune) {
	// A fmt.State writes to memory and returns no error.
	_, _ = io.WriteString(f, redacted)
}
