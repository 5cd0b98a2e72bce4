// Package dir keeps checkpoints and dead letters in a folder, for a single replica.
package dir
