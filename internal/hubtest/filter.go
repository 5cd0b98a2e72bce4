package hubtest

import (
	"fmt"
	"regexp"
	"strconv"

	"aks-audit-log-go/internal/hubtest/wire"
)

// selectorKey names the selector in the filter map of a source. selectorCode is its other name.
const (
	selectorKey  = "apache.org:selector-filter:string"
	selectorCode = uint64(0x0000468C00000004)
)

// startBy is the unit of a reader's start.
type startBy int

const (
	byEnd startBy = iota // only new events
	byOffset
	bySequence
	byTime
)

// start is where a reader wants to start.
type start struct {
	by        startBy
	value     int64
	inclusive bool
}

// passed reports whether the reader wants the event at v.
func (s start) passed(v int64) bool { return v > s.value || s.inclusive && v == s.value }

// selector matches the only form of expression that the service accepts, for example
//
//	amqp.annotation.x-opt-offset > '-1'
//	amqp.annotation.x-opt-sequence-number >= '5'
//	amqp.annotation.x-opt-enqueued-time > '1700000000000'
var selector = regexp.MustCompile(`^\s*amqp\.annotation\.(x-opt-[a-z-]+)\s*(>=?)\s*'?([^'\s]+)'?\s*$`)

// parseStart reads the filter of a source. Without a filter, a reader starts at the oldest event.
func parseStart(filter wire.Map, geoReplicated bool) (start, *wire.Error) {
	v := filter.Get(selectorKey)
	if v == nil {
		return start{by: byOffset, value: -1}, nil
	}
	d, ok := v.(wire.Described)
	if !ok || d.Descriptor != selectorCode && d.Descriptor != wire.Symbol(selectorKey) {
		return start{}, argumentError("the selector is no described value")
	}
	expression, ok := d.Value.(string)
	m := selector.FindStringSubmatch(expression)
	if !ok || m == nil {
		return start{}, argumentError("the selector %q cannot be read", expression)
	}
	return startAt(m[1], m[2] == ">=", m[3], geoReplicated)
}

func startAt(annotation string, inclusive bool, value string, geoReplicated bool) (start, *wire.Error) {
	s := start{inclusive: inclusive}
	switch annotation {
	case annotationOffset:
		if value == "@latest" {
			return s, nil
		}
		var e *wire.Error
		s.by = byOffset
		s.value, e = parseOffset(geoReplicated, value)
		return s, e
	case annotationSequence:
		s.by = bySequence
	case annotationEnqueued:
		s.by = byTime
	default:
		return s, argumentError("no selector on %q", annotation)
	}
	var err error
	if s.value, err = strconv.ParseInt(value, 10, 64); err != nil {
		return s, argumentError("%q is no value of %q", value, annotation)
	}
	return s, nil
}

func argumentError(format string, args ...any) *wire.Error {
	return &wire.Error{Condition: condArgumentError, Description: fmt.Sprintf(format, args...)}
}

// beyondEnd is the service's error for a position that its log has never reached, for example from a checkpoint of a
// hub that was deleted and created again (Azure/azure-event-hubs-python issue 13 shows it).
func beyondEnd(what string, asked, last int64) *wire.Error {
	return argumentError("The supplied %s '%d' is invalid. The last %s in the system is '%d'", what, asked, what, last)
}
