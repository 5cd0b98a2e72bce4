// Package testalert posts an audit event to the sink for which Falco raises an alert. An operator can then see whether
// alerts arrive.
package testalert
