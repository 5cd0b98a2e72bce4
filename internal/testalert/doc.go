// Package testalert posts an audit event to the sink that Falco raises an alert for, so that an operator sees whether
// alerts arrive.
package testalert
