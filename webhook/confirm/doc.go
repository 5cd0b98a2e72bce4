// Package confirm tracks which requests the sink has accepted and can no longer lose.
//
// Falco answers 200 before it parses a request, and queues requests in memory. What it has not processed yet dies
// with it. So an accepted request is confirmed only when Falco must have processed it: because enough has followed it
// through the queue over the same connection, or because the sink lived on for long enough.
package confirm
