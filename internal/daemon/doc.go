// Package daemon connects the parts of the daemon and runs them in one process, for the command and for the demo.
package daemon
