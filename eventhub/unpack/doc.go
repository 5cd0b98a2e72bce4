// Package unpack turns the body of a hub event into records: audit events for the sink, dead letters, and skipped
// records.
//
// Unpack decodes the body. The fast path reads a usual body in one pass; the general parser reads all others. Both
// take the same steps for each record. They read its category and its log, add the cluster's name, and check whether
// Falco accepts the audit event. The general parser repairs or truncates an event that Falco would lose.
package unpack
