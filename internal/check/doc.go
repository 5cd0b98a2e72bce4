// Package check runs the command check: it tries each service that the daemon depends on, and says what to fix.
package check
