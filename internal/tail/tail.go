package tail

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/beside"
)

// Options choose which audit events are printed, and how. An audit event is printed if it matches all patterns.
type Options struct {
	// Group is the consumer group to read in, or "" for the configured one.
	Group string
	// Since is the time from which hub events are read. If it is zero, only new ones are read.
	Since time.Time
	// JSON prints each audit event as a JSON object in a line of its own.
	JSON bool
	// Colour colours the lines for a terminal. It has no effect on JSON.
	Colour bool

	// Users are matched with the user and with the impersonated user. One of the two has to match, so that a user is
	// found also when he impersonates another one.
	Users Patterns
	Verbs Patterns
	// Resources are matched with the resource, with and without its API group and its subresource. If a request has no
	// resource, they are matched with its path.
	Resources  Patterns
	Namespaces Patterns
	Clusters   Patterns
}

// takes reports whether an audit event is printed.
func (o *Options) takes(e *event) bool {
	user := func(name string) bool { return o.Users.Match(name) }
	return slices.ContainsFunc(e.users(), user) && o.Verbs.Match(e.Verb) && o.Resources.Match(e.resources()...) &&
		o.Namespaces.Match(e.Namespace) && o.Clusters.Match(e.Cluster)
}

// Run prints the audit events that arrive in the hub until ctx ends, which is no error. It returns what it has
// counted. The lines of a partition are in its order. The lines of several partitions are in the order of arrival.
func Run(ctx context.Context, cfg forwarder.Config, options Options, out io.Writer, log logrus.FieldLogger) (*Counts, error) {
	group := options.Group
	if group == "" {
		group = cfg.ConsumerGroup
	}
	from := "now"
	if !options.Since.IsZero() {
		from = options.Since.UTC().Format(time.RFC3339)
	}
	log.WithFields(logrus.Fields{"hub": cfg.HubName, "group": group, "from": from}).Info("reading the event hub beside the daemon until it is ended by Ctrl-C")
	counts := newCounts()
	lines := startLines(out)
	err := beside.Read(ctx, cfg, beside.Options{Group: options.Group, From: options.Since}, log, func(ctx context.Context, hubEvent beside.HubEvent) error {
		counts.hubEvent()
		for i := range hubEvent.Records {
			if err := handle(ctx, &options, place{hubEvent.Partition, hubEvent.Sequence, i}, &hubEvent.Records[i], counts, lines); err != nil {
				return err
			}
		}
		return nil
	})
	if written := lines.end(ctx); err == nil && written != nil {
		err = fmt.Errorf("write the audit events: %w", written)
	}
	return counts, err
}

// handle counts a record, and prints its audit event if it is wanted.
func handle(ctx context.Context, options *Options, at place, record *unpack.Record, counts *Counts, lines *lines) error {
	if record.Verdict != "" {
		counts.without(record)
		return nil
	}
	e, err := readEvent(record, at)
	if err != nil {
		return err
	}
	wanted := options.takes(e)
	counts.auditEvent(wanted)
	switch {
	case !wanted:
		return nil
	case options.JSON:
		line, err := e.json()
		if err != nil {
			return err
		}
		return lines.print(ctx, line)
	}
	return lines.print(ctx, e.line(options.Colour))
}
