package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/valyala/fastjson"
)

// webhook returns a handler that replaces Falco's. It accepts an audit event or an EventList, and prints a line for
// each event.
func webhook(out io.Writer, tally *tally) http.Handler {
	var printing sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		parsed, err := fastjson.ParseBytes(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		printing.Lock()
		defer printing.Unlock()
		for _, event := range eventsOf(parsed) {
			times := tally.arrived(text(event, "auditID"))
			_, _ = fmt.Fprintln(out, line(event, times))
		}
	})
}

// eventsOf returns the audit events in a body. The daemon also posts empty arrays, to find out what Falco has
// processed.
func eventsOf(body *fastjson.Value) []*fastjson.Value {
	switch {
	case body.Type() == fastjson.TypeArray:
		return body.GetArray()
	case text(body, "kind") == "EventList":
		return body.GetArray("items")
	default:
		return []*fastjson.Value{body}
	}
}

// line returns the line for an audit event. times is how often the event has arrived.
func line(event *fastjson.Value, times int) string {
	object := text(event, "objectRef", "resource")
	for _, part := range []string{text(event, "objectRef", "namespace"), text(event, "objectRef", "name")} {
		if part != "" {
			object += "/" + part
		}
	}
	if sub := text(event, "objectRef", "subresource"); sub != "" {
		object += " (" + sub + ")"
	}
	repeated := ""
	if times > 1 {
		repeated = fmt.Sprintf("  again, time %d", times)
	}
	return fmt.Sprintf("%s  %-6s %-55s by %s  %d%s", clock(text(event, "stageTimestamp")), text(event, "verb"), object,
		text(event, "user", "username"), event.GetInt("responseStatus", "code"), repeated)
}

// text returns the string at a path, or "".
func text(value *fastjson.Value, path ...string) string { return string(value.GetStringBytes(path...)) }

// clock returns the time of day of a time stamp.
func clock(stamp string) string {
	parsed, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return stamp
	}
	return parsed.Format("15:04:05.000")
}
