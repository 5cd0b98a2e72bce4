// Package audit describes what flows through the daemon: audit events, their verdicts, and the reasons for these.
package audit
