// Package audit describes audit events, their verdicts, and the reasons for dead letters.
package audit
