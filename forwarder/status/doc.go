// Package status serves metrics, probes, and the status of the daemon as a page and as JSON over HTTP.
package status
