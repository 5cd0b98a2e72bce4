// Package tail prints who did what in the clusters. It reads the event hub, and prints a line for each audit event
// when it arrives.
package tail
