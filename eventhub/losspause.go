package eventhub

import (
	"context"
	"time"
)

// lossPause is the pause behind a loss of the sink. There is none while something was settled since
// the loss before: the sooner what was lost is sent again, the better. But a sink that accepts and
// breaks the connection each time would be given the same events, and the hub a new link, many times
// a second for as long as that goes on.
type lossPause struct{ next time.Duration }

// wait pauses until it is time to read again or stop ends. settled is whether anything was since the
// loss before.
func (l *lossPause) wait(stop context.Context, settled bool) {
	if settled {
		l.next = 0
	}
	if l.next > 0 {
		select {
		case <-stop.Done():
		case <-time.After(l.next):
		}
	}
	l.next = min(max(2*l.next, retryDelayMin), retryDelayMax)
}
