// Package backlog measures how far this replica is behind the hub, and tells the operator.
package backlog
