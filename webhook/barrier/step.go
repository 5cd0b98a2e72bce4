package barrier

import "time"

// IdleTimeout is how long the connection stays open while nothing is posted and nothing is unconfirmed. It is shorter
// than what servers allow (Node.js 5 s, most others a minute or more, Falco's plugin no limit), so that this side
// closes the connection. It also soon frees pods that were replaced.
const IdleTimeout = 4 * time.Second

// Step is the next step while nothing is posted: after the time After, send a barrier, close the idle connection, or,
// if neither is set, ask again. Without a time there is nothing to do before the next request.
type Step struct {
	After              time.Duration
	Barrier, CloseIdle bool
	// Row is whether nothing may be posted between this barrier and the next.
	Row bool
}
