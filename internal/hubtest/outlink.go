package hubtest

import (
	"fmt"
	"slices"
	"sync/atomic"

	"aks-audit-log-go/internal/hubtest/wire"
)

// readAhead is how many entries a link reads from its partition at once.
const readAhead = 256

// outLink is a link on which the hub sends the events of a partition, or the answers of $cbs or $management. Its
// connection's serve owns all fields except lost.
type outLink struct {
	sess   *session
	handle uint32
	name   string
	node   node

	// For a reader:
	path  string
	owner ownerKey
	epoch *int64
	// receiverName is the reader's name for its process, or "" if it gave none.
	receiverName string
	partition    *partition
	next         int64   // the next sequence number to read
	batch        []entry // read, but not sent yet
	// lost says that the hub has taken the link away, and that the detach will follow. Nothing more is sent.
	lost atomic.Bool

	// For $cbs and $management:
	replyTo string
	replies [][]byte

	credit        uint32
	deliveryCount uint32
	drain         bool

	current    entry // the entry that is being sent
	busy       bool
	sent       int // how many bytes of current are sent
	deliveryID uint32
}

// grant takes over the peer's credit.
func (l *outLink) grant(f *wire.Flow) {
	if f.LinkCredit != nil {
		seen := uint32(0) // a peer that has not seen our attach does not know the delivery count
		if f.DeliveryCount != nil {
			seen = *f.DeliveryCount
		}
		l.credit = left(seen, *f.LinkCredit, l.deliveryCount)
	}
	l.drain = f.Drain
	if f.Echo {
		l.sendFlow()
	}
}

func (l *outLink) sendFlow() {
	f := l.sess.state()
	f.Handle, f.DeliveryCount, f.LinkCredit = ptr(l.handle), ptr(l.deliveryCount), ptr(l.credit)
	f.Drain = l.drain
	l.sess.send(f)
}

// pump sends what credit and window allow, up to about budget bytes. It reports whether there is more.
func (l *outLink) pump(budget int) bool {
	for budget > 0 {
		if !l.busy && !l.take() {
			l.drained()
			return false
		}
		n, done := l.sendCurrent()
		if !done {
			return false // the window is full
		}
		budget -= n
	}
	return true
}

// take makes the next message the current one, if there is one and the peer has given credit for it.
func (l *outLink) take() bool {
	if l.credit == 0 || l.lost.Load() || l.sess.c.err != nil {
		return false
	}
	if l.partition != nil {
		if len(l.batch) == 0 {
			l.batch = l.partition.read(l.next, readAhead)
		}
		if len(l.batch) == 0 {
			return false
		}
		l.current, l.batch = l.batch[0], l.batch[1:]
		l.next = l.current.sequence + 1
	} else {
		if len(l.replies) == 0 {
			return false
		}
		l.current, l.replies = entry{head: l.replies[0]}, l.replies[1:]
	}
	l.busy, l.sent = true, 0
	l.deliveryID = l.sess.nextDelivery
	l.sess.nextDelivery++
	l.credit--
	l.deliveryCount++
	return true
}

// sendCurrent sends the current message, or the part of it that the window allows.
func (l *outLink) sendCurrent() (written int, done bool) {
	for {
		if l.sess.remoteWindow == 0 {
			return written, false
		}
		written += l.sendFrame()
		if l.sent == l.current.size() {
			l.busy, l.current = false, entry{}
			return written, true
		}
	}
}

// sendFrame sends the next part of the current message. It does not copy the body.
func (l *outLink) sendFrame() int {
	c, size := l.sess.c, l.current.size()
	n := min(size-l.sent, c.peerMaxFrame-wire.MaxTransferHeader)
	more := l.sent+n < size
	var scratch [wire.MaxTransferHeader]byte
	header := wire.AppendTransferHeader(scratch[:0], l.sess.channel, l.handle, l.deliveryID, l.sent == 0, more, n)
	c.writeRaw(header)
	from, to := l.sent, l.sent+n
	head := l.current.head
	if from < len(head) {
		c.writeRaw(head[from:min(to, len(head))])
	}
	if to > len(head) {
		c.writeRaw(l.current.body[max(0, from-len(head)) : to-len(head)])
	}
	l.sent = to
	l.sess.nextOutgoing++
	l.sess.remoteWindow--
	return n
}

// drained returns unused credit if the peer asked for that.
func (l *outLink) drained() {
	if !l.drain || l.busy {
		return
	}
	l.deliveryCount += l.credit
	l.credit = 0
	l.sendFlow()
	l.drain = false
}

// remove removes the link from its session and from the hub.
func (l *outLink) remove() {
	delete(l.sess.out, l.handle)
	c := l.sess.c
	c.outLinks = slices.DeleteFunc(c.outLinks, func(o *outLink) bool { return o == l })
	l.forget()
}

// forget removes the link from the hub.
func (l *outLink) forget() {
	if l.node == nodeCBS {
		l.sess.c.srv.leaveCBS(l)
	}
	if l.partition == nil {
		return
	}
	l.partition.unsubscribe(l.sess.c)
	l.sess.c.srv.releaseOwnership(l)
}

// end detaches the link with an error, unless it has ended already. Any goroutine may call it.
func (l *outLink) end(e *wire.Error) {
	l.lost.Store(true)
	l.sess.c.post(func() {
		if l.sess.out[l.handle] == l && l.sess.c.sessions[l.sess.channel] == l.sess {
			l.sess.endLink(l.handle, e)
		}
	})
}

// writeRaw writes a part of a frame.
func (c *conn) writeRaw(b []byte) {
	if c.err != nil {
		return
	}
	if _, err := c.out.Write(b); err != nil {
		c.err = fmt.Errorf("write frame: %w", err)
	}
}
