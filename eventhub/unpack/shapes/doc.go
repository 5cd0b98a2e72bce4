// Package shapes finds audit events in bodies other than AKS's usual envelope: those of collectors, webhooks and data
// exports, and bodies that are not one JSON value.
//
// The package works on the text, so that each finding keeps its bytes. It accepts any text; the caller has to check
// each finding.
//
// An author who controls only the content of a record must not be able to forge an audit event. So the search never
// looks inside an audit event, another Kubernetes object, a record that names a log category, a row of a table, or
// the output of a container.
package shapes
