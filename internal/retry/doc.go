// Package retry repeats what fails, and waits between the attempts.
package retry
