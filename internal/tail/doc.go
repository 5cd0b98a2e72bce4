// Package tail prints who did what in the clusters: a line for each audit event in the event hub, as it comes.
package tail
