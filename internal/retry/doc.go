// Package retry waits between attempts.
package retry
