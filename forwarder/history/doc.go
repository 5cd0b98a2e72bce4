// Package history keeps what happened in the last 24 hours, by the minute, for the status page.
package history
