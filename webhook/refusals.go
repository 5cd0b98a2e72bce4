package webhook

import "sync/atomic"

// maxRefusals is how many bodies in a row, over all partitions, may be refused for good before
// the endpoint is taken to be wrong rather than the bodies. Bad audit events are rare (AKS cuts
// a couple a day) and good ones stand between them, so five in a row do not happen by chance;
// and an endpoint that is wrong costs no more than five dead letters, which can be sent again.
const maxRefusals = 5

// refusals counts the bodies refused since the sink last accepted one. All partitions share
// it: the question is what the endpoint does, not what one partition holds.
type refusals struct {
	inARow atomic.Int64
}

// accepted starts the row anew.
func (r *refusals) accepted() {
	// The load spares the common case a write that all partitions' processors would contend for.
	if r.inARow.Load() != 0 {
		r.inARow.Store(0)
	}
}

// refused counts one and reports whether it is the body that is bad; if not, it is the endpoint.
// Of partitions that are refused at the same time no more than maxRefusals are told so.
func (r *refusals) refused() (badBody bool) {
	return r.inARow.Add(1) <= maxRefusals
}
