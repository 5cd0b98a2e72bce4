package barrier

import "time"

// IdleTimeout is how long the connection stays open while nothing is posted and nothing waits to be confirmed. It is
// shorter than what servers allow (Node.js 5 s, most others a minute or more, Falco's plugin no limit), so that the
// connection is closed on this side. It also soon releases pods that were replaced.
const IdleTimeout = 4 * time.Second

// Step is what comes next while nothing is posted: after the time, a barrier is to be sent, or the idle connection to
// be closed, or, if neither, what comes next to be asked again. Without a time there is nothing to do before the next
// request.
type Step struct {
	After              time.Duration
	Barrier, CloseIdle bool
	// Row is whether nothing may be posted between this barrier and the next.
	Row bool
}
