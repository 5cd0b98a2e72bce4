// Package unpack turns the body of a hub event into records: audit events for the sink, dead letters, and skipped ones.
package unpack
