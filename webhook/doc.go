// Package webhook posts audit events to the sink and returns the outcome of each.
//
// The layers, from top to bottom, have one file each:
//
//   - session.go: a Session delivers the events of one partition.
//   - batch.go: a batch holds as many events as the package pace allows. A refused batch is split in halves.
//   - delivery.go: a delivery repeats the attempts on one request until there is an outcome.
//   - attempt.go: an attempt is one POST and its answer.
//   - link.go: the link is the one connection that all sessions share.
//   - classify.go: classify says what an answer means for the request.
//
// Nothing that a retry or an operator can repair is given up. With the default policy, a request that the sink does
// not take is retried forever, and the later events of its partition wait.
//
// A 2xx does not prove that the sink has used a request: the request is lost if the sink dies before. The package
// confirm knows which requests the sink must have used, and notices when others are lost.
package webhook
