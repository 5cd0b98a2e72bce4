// Package harness starts and controls what surrounds the daemon in an end-to-end test: the hub, Azurite, sinks and
// Falco. It checks the outcome of each audit event.
//
// Its functions take the test's *testing.T, fail the test on an error, and clean up when the test ends. Its relative
// paths start at the folder e2e, because tests run there.
package harness
