package hubtest

import "aks-audit-log-go/internal/hubtest/wire"

// reply is an answer of $cbs or $management. code is an HTTP status.
type reply struct {
	code        int32
	description string
	value       any // the body; nil for an empty one
}

// answer processes a request, and queues the answer on the link that the request names in reply-to.
func (c *conn) answer(n node, request *wire.Message) {
	var r reply
	if n == nodeCBS && c.srv.leftUnanswered() {
		c.trace("a token is left unanswered")
		return
	}
	if n == nodeCBS {
		r = c.putToken(request)
	} else {
		r = c.manage(request)
	}
	if request.Properties == nil {
		c.trace("a request without reply-to")
		return
	}
	replyTo, _ := request.Properties.ReplyTo.(string)
	content, err := wire.AppendMessage(nil, r.message(request.Properties.MessageID))
	if err != nil {
		c.trace("answer: %v", err)
		return
	}
	c.trace("-> answer %d %s", r.code, r.description)
	for _, l := range c.outLinks {
		if l.node == n && l.replyTo == replyTo {
			l.replies = append(l.replies, content)
			return
		}
	}
	c.trace("nobody listens for the answer")
}

// message encodes the reply. It has status and description under two names each, because the SDKs look for different
// ones.
func (r reply) message(to any) *wire.Message {
	return &wire.Message{
		Properties: &wire.Properties{CorrelationID: to},
		ApplicationProperties: wire.Map{
			{Key: "status-code", Value: r.code},
			{Key: "status-description", Value: r.description},
			{Key: "statusCode", Value: r.code},
			{Key: "statusDescription", Value: r.description},
		},
		Value:    r.value,
		HasValue: true,
	}
}
