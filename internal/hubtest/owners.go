package hubtest

import (
	"fmt"
	"slices"

	"aks-audit-log-go/internal/hubtest/wire"
)

// epochProperty is the link property with which a reader claims a partition.
const epochProperty = "com.microsoft:epoch"

// receiverNameProperty is the link property with which a reader names its process.
const receiverNameProperty = "com.microsoft:receiver-name"

// maxShared is how many readers without an epoch may read a partition in one consumer group.
const maxShared = 5

// ownerKey identifies what readers compete for. The group is in lower case.
type ownerKey struct{ group, partition string }

// takeOwnership adds a reader, or returns why it may not read. A reader with an epoch displaces the readers without
// one, and those with the same or a lower epoch.
func (s *Server) takeOwnership(l *outLink) *wire.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := s.owners[l.owner]
	if e := mayJoin(l, present); e != nil {
		return e
	}
	if l.epoch != nil {
		why := &wire.Error{Condition: condStolen, Description: fmt.Sprintf(
			"New receiver '%s' with higher epoch of '%d' is created hence current receiver is getting disconnected. "+
				"If you are recreating the receiver, make sure a higher epoch is used.", l.name, *l.epoch)}
		for _, old := range present {
			old.end(why)
		}
		present = nil
	}
	s.owners[l.owner] = append(slices.Clip(present), l)
	s.hasChanged()
	return nil
}

func mayJoin(l *outLink, present []*outLink) *wire.Error {
	for _, old := range present {
		if old.epoch == nil {
			continue
		}
		if l.epoch == nil || *l.epoch < *old.epoch {
			return &wire.Error{Condition: condStolen, Description: fmt.Sprintf(
				"Receiver '%s' cannot be created: at least one receiver of the endpoint has the higher epoch '%d'.", l.name, *old.epoch)}
		}
	}
	if l.epoch == nil && len(present) >= maxShared {
		return &wire.Error{Condition: condResourceLimit, Description: fmt.Sprintf(
			"Exceeded the maximum number of allowed receivers per partition in a consumer group which is %d.", maxShared)}
	}
	return nil
}

// releaseOwnership removes a reader, if it has not been removed yet.
func (s *Server) releaseOwnership(l *outLink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(s.owners[l.owner]), func(o *outLink) bool { return o == l })
	if len(rest) == len(s.owners[l.owner]) {
		return
	}
	s.owners[l.owner] = rest
	s.hasChanged()
}

// hasChanged wakes the goroutines that wait for Changed. s.mu is held.
func (s *Server) hasChanged() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next change of attached receiver links or of UnansweredTokens. To
// wait for a condition, get the channel first, then check the condition, then wait.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Receivers returns how many receiver links are attached to the partition now, in all consumer groups.
func (s *Server) Receivers(partition string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, links := range s.owners {
		if key.partition == partition {
			n += len(links)
		}
	}
	return n
}

// ReceiverNames returns the names that these receivers' processes have given, "" for none.
func (s *Server) ReceiverNames(partition string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for key, links := range s.owners {
		for _, l := range links {
			if key.partition == partition {
				names = append(names, l.receiverName)
			}
		}
	}
	return names
}

// evict removes the readers that match, and detaches them with e. It returns how many.
func (s *Server) evict(match func(*outLink) bool, e *wire.Error) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, links := range s.owners {
		var rest []*outLink
		for _, l := range links {
			if !match(l) {
				rest = append(rest, l)
				continue
			}
			n++
			l.end(e)
		}
		s.owners[key] = rest
	}
	if n > 0 {
		s.hasChanged()
	}
	return n
}
