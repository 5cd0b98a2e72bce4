// Package shapes finds audit events in bodies that are not AKS's usual envelope: where a collector, a webhook or a
// data export put them, and in bodies that are not one JSON value.
//
// The package works on the text, so that what it finds keeps its bytes. It accepts any text: the caller has to check
// each finding.
//
// Nobody who writes only the content of a record may invent an audit event. So the search never looks into an audit
// event, into another object of Kubernetes, into a record that names a log category, into a row of a table, or into
// the output of a container.
package shapes
