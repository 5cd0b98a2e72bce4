// Package health decides what /readyz and /healthz answer.
package health
