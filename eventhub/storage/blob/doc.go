// Package blob keeps ownerships, checkpoints and dead letters in an Azure blob container.
package blob
