// Package metrics holds every Prometheus metric of the daemon.
package metrics
