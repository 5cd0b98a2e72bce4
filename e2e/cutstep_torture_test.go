//go:build torture

package e2e

// cutStep is how many bytes lie between two cuts of a real audit event: each is tried.
const cutStep = 1
