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

// Options say which audit events are printed, and how. An audit event is printed if all patterns take it.
type Options struct {
	// Group is the consumer group to read in, or "" for the configured one.
	Group string
	// Since starts with the hub events that were enqueued then, or with new ones if it is zero.
	Since time.Time
	// JSON prints a JSON object a line.
	JSON bool
	// Colour prints for a terminal that shows colours. It has no effect on JSON.
	Colour bool

	// Users are matched with the user and the impersonated one, of which one has to be taken: nobody is left out
	// because of the name in which he acts.
	Users Patterns
	Verbs Patterns
	// Resources are matched with the resource, with and without its API group and its subresource. A request without a
	// resource is matched by its path.
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

// Run prints the audit events that come into the hub until ctx ends, which is no error. It returns what it has seen.
// The lines of a partition come in its order, those of several partitions as they arrive.
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

// handle counts a record, and prints its audit event if it has one that is wanted.
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
