// Package health decides what /readyz and /healthz answer.
//
// The parts of the daemon report to a Health what happens to them; the probes and the status page ask it.
package health
