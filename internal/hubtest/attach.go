package hubtest

import (
	"fmt"
	"strings"

	"aks-audit-log-go/internal/hubtest/wire"
)

// maxMessageSize is the largest message that an Event Hub accepts, in bytes.
const maxMessageSize = 1 << 20

// attach starts a link, or refuses it. It refuses with an attach without source and target, followed by a detach with
// the reason.
func (s *session) attach(a *wire.Attach) {
	if s.out[a.Handle] != nil || s.in[a.Handle] != nil {
		s.fail(condHandleInUse, fmt.Sprintf("handle %d is in use", a.Handle))
		return
	}
	var e *wire.Error
	if a.Role == wire.RoleReceiver {
		e = s.attachReceiver(a)
	} else {
		e = s.attachSender(a)
	}
	if e == nil {
		return
	}
	answer := answerTo(a)
	answer.Source, answer.Target = nil, nil
	s.send(answer)
	s.send(&wire.Detach{Handle: a.Handle, Closed: true, Error: e})
}

// answerTo returns the answer to an attach: the same link, as the other end describes it.
func answerTo(a *wire.Attach) *wire.Attach {
	answer := &wire.Attach{
		Name:               a.Name,
		Handle:             a.Handle,
		Role:               !a.Role,
		SenderSettleMode:   a.SenderSettleMode,
		ReceiverSettleMode: a.ReceiverSettleMode,
		Source:             a.Source,
		Target:             a.Target,
		Properties:         a.Properties,
	}
	if answer.Role == wire.RoleSender {
		// No size limit: with the hub's annotations, a message of the largest size exceeds it.
		answer.InitialDeliveryCount = ptr(uint32(0))
	} else {
		answer.MaxMessageSize = maxMessageSize
	}
	return answer
}

// attachReceiver starts a link on which the hub sends.
func (s *session) attachReceiver(a *wire.Attach) *wire.Error {
	l := &outLink{sess: s, handle: a.Handle, name: a.Name}
	addr, e := s.c.srv.parseAddress(sourceAddress(a))
	if e != nil {
		return e
	}
	l.node = addr.node
	switch addr.node {
	case nodeCBS, nodeManagement:
		l.replyTo = targetAddress(a)
	case nodeConsumer:
		if e := s.admitReader(l, addr, a); e != nil {
			return e
		}
	default:
		return &wire.Error{Condition: condNotAllowed, Description: "nothing can be received from " + addr.path}
	}
	answer := answerTo(a)
	if answer.Source.Filter != nil {
		answer.Source.Filter = onlySelector(answer.Source.Filter)
	}
	s.out[a.Handle] = l
	s.c.outLinks = append(s.c.outLinks, l)
	if l.node == nodeCBS {
		s.c.srv.enterCBS(l)
	}
	s.send(answer)
	return nil
}

// admitReader checks everything that the hub requires of a reader. It checks the epoch last, because an epoch
// displaces other readers.
func (s *session) admitReader(l *outLink, addr address, a *wire.Attach) *wire.Error {
	if e := s.c.admitEntity(addr); e != nil {
		return e
	}
	from, e := parseStart(a.Source.Filter, s.c.srv.cfg.GeoReplicated)
	if e != nil {
		return e
	}
	l.path = addr.path
	l.partition = addr.partition
	if l.next, e = addr.partition.locate(from); e != nil {
		return e
	}
	if v, ok := a.Properties.Get(epochProperty).(int64); ok {
		l.epoch = &v
	}
	l.receiverName, _ = a.Properties.Get(receiverNameProperty).(string)
	l.owner = ownerKey{group: addr.group, partition: addr.partition.id}
	if e := s.c.srv.takeOwnership(l); e != nil {
		return e
	}
	addr.partition.subscribe(s.c)
	return nil
}

// onlySelector returns the part of a filter that the hub applies. The answer to the attach has to name it.
func onlySelector(filter wire.Map) wire.Map {
	v := filter.Get(selectorKey)
	if v == nil {
		return nil
	}
	return wire.Map{{Key: wire.Symbol(selectorKey), Value: v}}
}

// attachSender starts a link on which the peer sends.
func (s *session) attachSender(a *wire.Attach) *wire.Error {
	addr, e := s.c.srv.parseAddress(targetAddress(a))
	if e != nil {
		return e
	}
	switch addr.node {
	case nodeHub, nodePartition:
		if e := s.c.admitEntity(addr); e != nil {
			return e
		}
	case nodeConsumer:
		return &wire.Error{Condition: condNotAllowed, Description: "nothing can be sent to " + addr.path}
	}
	l := &inLink{sess: s, handle: a.Handle, address: addr, credit: incomingCredit}
	if a.InitialDeliveryCount != nil {
		l.deliveryCount = *a.InitialDeliveryCount
	}
	s.in[a.Handle] = l
	s.send(answerTo(a))
	l.sendFlow()
	return nil
}

// admitEntity checks what the hub requires of each link to the hub or to one of its partitions.
func (c *conn) admitEntity(addr address) *wire.Error {
	if !c.trusted && !c.claims.cover(addr.path) {
		return &wire.Error{Condition: condUnauthorized,
			Description: fmt.Sprintf("Unauthorized access. 'Listen' claim(s) are required to perform this operation. Resource: '%s'.", addr.path)}
	}
	if condition := c.srv.attachesRefused(); condition != "" {
		return &wire.Error{Condition: condition, Description: "attaches are refused now"}
	}
	return addr.problem
}

func sourceAddress(a *wire.Attach) string {
	if a.Source == nil {
		return ""
	}
	address, _ := a.Source.Address.(string)
	return address
}

func targetAddress(a *wire.Attach) string {
	if a.Target == nil {
		return ""
	}
	address, _ := a.Target.Address.(string)
	return address
}

// node is the kind of entity that a link is attached to.
type node int

const (
	nodeCBS        node = iota // $cbs
	nodeManagement             // $management, <hub>/$management
	nodeHub                    // <hub>
	nodePartition              // <hub>/Partitions/<id>
	nodeConsumer               // <hub>/ConsumerGroups/<group>/Partitions/<id>
)

// address is a parsed address.
type address struct {
	node      node
	path      string     // in lower case, without leading slash or host
	group     string     // in lower case
	partition *partition // of nodePartition and nodeConsumer
	// problem is why there is no such entity. Only peers that are authorized learn it.
	problem *wire.Error
}

// parseAddress parses an address. Case does not matter in the names of entities.
func (s *Server) parseAddress(raw string) (address, *wire.Error) {
	addr := address{path: entityPath(raw)}
	switch addr.path {
	case "$cbs":
		addr.node = nodeCBS
		return addr, nil
	case "$management", strings.ToLower(s.cfg.Hub) + "/$management":
		addr.node = nodeManagement
		return addr, nil
	}
	parts := strings.Split(addr.path, "/")
	switch {
	case len(parts) == 1:
		addr.node = nodeHub
	case len(parts) == 3 && parts[1] == "partitions":
		addr.node = nodePartition
		s.findPartition(&addr, parts[2])
	case len(parts) == 5 && parts[1] == "consumergroups" && parts[3] == "partitions":
		addr.node, addr.group = nodeConsumer, parts[2]
		s.findPartition(&addr, parts[4])
		if !s.groups[addr.group] {
			addr.problem = s.notFound(parts[0] + ":" + parts[2])
		}
	default:
		return addr, s.notFound(raw)
	}
	if parts[0] != strings.ToLower(s.cfg.Hub) {
		addr.problem = s.notFound(parts[0])
	}
	return addr, nil
}

func (s *Server) findPartition(addr *address, id string) {
	if addr.partition = s.partition(id); addr.partition == nil {
		addr.problem = &wire.Error{Condition: condOutOfRange, Description: fmt.Sprintf(
			"The specified partition is invalid for an EventHub partition sender or receiver. It should be between 0 and %d.", len(s.allPartitions())-1)}
	}
}

func (s *Server) notFound(entity string) *wire.Error {
	return &wire.Error{Condition: condNotFound, Description: fmt.Sprintf("The messaging entity '%s' could not be found.", entity)}
}

// entityPath returns an address without scheme, host and outer slashes, in lower case.
func entityPath(raw string) string {
	if _, rest, ok := strings.Cut(raw, "://"); ok {
		_, raw, _ = strings.Cut(rest, "/")
	}
	return strings.ToLower(strings.Trim(raw, "/"))
}
