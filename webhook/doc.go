// Package webhook posts audit events to the sink and returns what became of each.
//
// The layers, from top to bottom, each in a file of its own:
//
//   - session.go: a Session is one partition's way to the sink, and delivers its events.
//   - batch.go: a batch is cut from the events, as large as the package pace allows. If the sink refuses a batch, it is
//     split in halves.
//   - delivery.go: a delivery repeats attempts on one request until there is an outcome.
//   - attempt.go: an attempt is one POST and its answer.
//   - link.go: the link is the one connection that all sessions share.
//   - classify.go: classify says what an answer means for the request.
//
// Nothing is given up that a retry or an operator can repair. With the default policy a request that the sink does not
// take is retried for as long as it takes, and the later events of its partition wait.
//
// An answer of 2xx does not prove that the sink has used a request: the request may be lost if the sink dies. The
// package confirm knows which requests the sink must have used, and notices when others are lost.
package webhook
