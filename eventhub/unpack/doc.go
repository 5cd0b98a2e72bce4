// Package unpack turns the body of a hub event into records: audit events for the sink, dead letters, and skipped
// ones.
//
// Unpack decodes the body. The fast path reads a usual body in one pass; the general parser reads all others. Each
// record goes through the same steps: its category, its log, the cluster's name, the check of what Falco takes, and
// if Falco would lose the event, its repair or truncation.
package unpack
