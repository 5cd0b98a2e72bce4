package hubtest

import (
	"fmt"

	"aks-audit-log-go/internal/hubtest/wire"
)

// inLink is a link on which the peer sends events, or requests to $cbs or $management.
type inLink struct {
	sess    *session
	handle  uint32
	address address

	credit        uint32
	deliveryCount uint32

	// The message of which a part has arrived:
	first   *wire.Transfer
	content []byte
}

func (l *inLink) sendFlow() {
	f := l.sess.state()
	f.Handle, f.DeliveryCount, f.LinkCredit = ptr(l.handle), ptr(l.deliveryCount), ptr(l.credit)
	l.sess.send(f)
}

// receive handles one frame of a message. With the last frame, it handles the message.
func (l *inLink) receive(t *wire.Transfer, payload []byte) {
	if l.first == nil {
		l.first = t
	}
	if t.Aborted {
		l.first, l.content = nil, nil
		return
	}
	if len(l.content)+len(payload) > maxMessageSize {
		l.sess.endLink(l.handle, &wire.Error{Condition: condMessageTooLarge, Description: fmt.Sprintf(
			"The received message (more than %d bytes) exceeds the limit (%d bytes) currently allowed on the link.", maxMessageSize, maxMessageSize)})
		return
	}
	if l.content == nil {
		l.content = payload // each frame has a buffer of its own
	} else {
		l.content = append(l.content, payload...)
	}
	if t.More {
		return
	}
	first, content := l.first, l.content
	l.first, l.content = nil, nil
	l.counted()
	l.settle(first, t, l.take(first, content))
}

// counted gives the peer new credit if necessary.
func (l *inLink) counted() {
	l.deliveryCount++
	l.credit--
	if l.credit < incomingCredit/2 {
		l.credit = incomingCredit
		l.sendFlow()
	}
}

// take handles a message as the link's address requires.
func (l *inLink) take(first *wire.Transfer, content []byte) *wire.Error {
	c := l.sess.c
	switch l.address.node {
	case nodeHub, nodePartition:
		format := uint32(0)
		if first.MessageFormat != nil {
			format = *first.MessageFormat
		}
		return c.srv.store(l.address.partition, format, content)
	}
	m, err := wire.DecodeMessage(content)
	if err != nil {
		return &wire.Error{Condition: condDecodeError, Description: err.Error()}
	}
	c.answer(l.address.node, m)
	return nil
}

// settle tells the peer the outcome of its message, unless the peer does not want to know it.
func (l *inLink) settle(first, last *wire.Transfer, e *wire.Error) {
	if first.Settled || last.Settled || first.DeliveryID == nil {
		return
	}
	d := &wire.Disposition{Role: wire.RoleReceiver, First: *first.DeliveryID, Settled: true, State: wire.Accepted()}
	if e != nil {
		d.State = wire.Rejected(e.Condition, e.Description)
	}
	l.sess.send(d)
}
