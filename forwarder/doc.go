// Package forwarder holds the configuration, read once from the environment and checked, the logger, and the version.
package forwarder
