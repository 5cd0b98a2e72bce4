// Package check runs the command check: it tries each part that the daemon depends on and says what to mend.
package check
