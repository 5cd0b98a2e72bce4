// Package confirm tracks which requests the sink has accepted and can no longer lose.
//
// Falco answers 200 before it parses a request, and queues requests in memory. If it dies, it loses what it has not
// processed yet. So only evidence confirms an accepted request: what the sink answered later, over the same
// connection. Time alone confirms nothing, because a process that stood still cannot tell how long the sink has lived.
//
//	state      what is known                           what ends it
//	in flight  posted, not answered                    a 2xx: accepted. All else: it is posted again.
//	accepted   it may still be in the queue            52 later answers of 2xx over the connection: out
//	out        its events are in the engine, or done   128 later events are out, or a 2xx to a request that was
//	                                                   sent SINKSETTLETIME after it was known to be out:
//	                                                   confirmed. At a stop, the time that Falco took for the
//	                                                   last 256 events is enough.
//	confirmed  the sink has processed it               the checkpoint may pass it
//	lost       its connection ended before             it is read from the hub again
//
// Batches of audit events and barriers are evidence. A barrier is a request with an empty JSON array. Falco's plugin
// queues it like a batch, answers 200, makes no event of it, and logs nothing. (An empty EventList makes it log "data
// not recognized".)
//
// Less evidence confirms in three cases:
//
//   - The sink takes no barriers: any answer to a request that was sent SINKSETTLETIME after the request was accepted.
//   - The connection does not last (KEEPALIVE=false, or the sink closes it after each answer), SINKBARRIER=off, or
//     SINKREPLAY=off: SINKSETTLETIME alone.
//   - SINKSETTLETIME=0: the answer itself.
package confirm
