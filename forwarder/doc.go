// Package forwarder holds the configuration, which it reads once from the environment and checks, the logger, and the
// version.
package forwarder
