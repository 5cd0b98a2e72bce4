// Package partition forwards one partition: it receives hub events, gathers audit events, delivers them, and records
// the outcome of each.
package partition
