// Package check runs the command check. It tries each service that the daemon depends on, and says what to fix.
package check
