// Package status serves metrics, probes, the status page and its JSON over HTTP.
package status
