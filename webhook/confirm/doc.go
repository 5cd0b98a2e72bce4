// Package confirm tracks which requests the sink has accepted and can no longer lose.
//
// Falco answers 200 before it parses a request, and queues requests in memory. What it has not processed yet dies
// with it. So an accepted request is confirmed only by evidence: by what the sink answered later, over the same
// connection. Time alone confirms nothing, since a process that stood still cannot tell how long the sink has lived.
//
//	state      what is known                           what ends it
//	in flight  posted, not answered                    an answer of 2xx: accepted. All else: it is posted again.
//	accepted   it stands in the queue at the latest    52 later answers of 2xx over the connection: out
//	out        its events are in the engine, or done   128 events are out after it, or a request is answered 2xx
//	                                                   that was sent SINKSETTLETIME after it was known to be
//	                                                   out: confirmed.
//	                                                   At a stop, the time that Falco took for the last 256 will do.
//	confirmed  the sink has processed it               the checkpoint may pass it
//	lost       its connection ended before that        it is read from the hub again
//
// Requests that prove something are batches of audit events, and barriers: requests with an empty JSON array. Falco's
// plugin queues a barrier like a batch, answers 200, makes no event of it, and logs nothing. (An empty EventList makes
// it log "data not recognized".)
//
// Three things confirm with less. A sink that does not take barriers: any answer to a request that was sent
// SINKSETTLETIME after the request was accepted. A sink without a connection that lasts (KEEPALIVE=false, or one that
// closes it after each answer), or SINKBARRIER=off, or SINKREPLAY=off: SINKSETTLETIME alone. SINKSETTLETIME=0: the
// answer itself.
package confirm
