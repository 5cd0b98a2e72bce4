// Package history keeps the last 24 hours by the minute, for the status page.
package history
