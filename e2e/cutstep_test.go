//go:build !torture

package e2e

// cutStep is how many bytes lie between two cuts of a real audit event.
const cutStep = 31
