// Package retry repeats failed attempts, and waits between them.
package retry
