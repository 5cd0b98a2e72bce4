package unpack

import (
	"context"
	"errors"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack/cluster"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// Unpacker turns hub events into records. It reuses its memory for the next hub event, so two goroutines must not use
// it at once.
type Unpacker struct {
	rules    rules
	clusters *cluster.Names
	both     *cluster.Both
	fastPath fastPath
	parser   parser
	// parsed is about how many values the parser has read since its memory was last dropped.
	parsed int
}

// New returns an Unpacker for the configuration.
func New(cfg forwarder.Config) *Unpacker {
	return newUnpacker(rules{maxEventSize: cfg.SinkMaxEventSize, categories: cfg.Categories, clusterName: cfg.ClusterName})
}

func newUnpacker(r rules) *Unpacker {
	u := &Unpacker{rules: r, clusters: cluster.NewNames(), both: cluster.NewBoth(r.carriesAudit)}
	u.dropMemory()
	return u
}

// Unpack returns the records of a hub event in their order. If the whole hub event is a dead letter, detail says more
// about the reason. The records use the memory of the body: the caller must not write to the body afterwards, or rely
// on its content. A large body may have to wait for one of another partition; Unpack fails if ctx ends before. If the
// records take more memory than a hub event may have, release is not nil. No other partition gets such records until
// the caller calls release.
func (u *Unpacker) Unpack(ctx context.Context, event eventhub.Event) (records []Record, detail string, release func(), err error) {
	var unpacked turn
	records, detail, err = u.unpack(ctx, event, &unpacked)
	if unpacked.of == nil {
		return records, detail, nil, err
	}
	if err != nil || detail != "" { // no record uses the body
		unpacked.giveBack()
		return records, detail, nil, err
	}
	return records, detail, unpacked.giveBack, nil
}

// unpack is Unpack with a turn, which it takes if the body is larger unpacked than a hub event may be.
func (u *Unpacker) unpack(ctx context.Context, event eventhub.Event, t *turn) (records []Record, detail string, err error) {
	if event.Unreadable != "" {
		return []Record{deadRecord(audit.ReasonUnreadable, "", nil)}, event.Unreadable, nil
	}
	body, err := decode(ctx, event, t)
	if err == nil {
		records, err = u.readBody(ctx, body, event.Enqueued)
	}
	switch {
	case err == nil:
		if len(body) > usualSize && len(records) == 1 && len(records[0].Content) == len(body) {
			return []Record{wholeBody(records[0].Reason, event)}, "the body is kept as it was received, in gzip", nil
		}
		return records, "", nil
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return nil, "", err
	case errors.Is(err, errTooManyValues):
		return []Record{wholeBody(audit.ReasonTooManyValues, event)}, err.Error(), nil
	case errors.Is(err, errUnpackedTooLarge):
		return []Record{wholeBody(audit.ReasonTooLarge, event)}, err.Error(), nil
	default:
		return []Record{wholeBody(audit.ReasonBadEncoding, event)}, err.Error(), nil
	}
}

// wholeBody returns the dead letter of a whole hub event as it came. It needs no copy: nothing else uses the body.
func wholeBody(reason string, event eventhub.Event) Record {
	return Record{Verdict: audit.DeadLettered, Reason: reason, Content: event.Body}
}

// MissedCluster reports whether CLUSTERNAME is on but a record did not name its cluster.
func (u *Unpacker) MissedCluster() bool { return u.clusters.Missed }

// BothCategories returns the name of a cluster that sends kube-audit and kube-audit-admin, so that each change comes
// twice, or "" if none is known.
func (u *Unpacker) BothCategories() (cluster string) { return u.both.Found }

// keptSize is the largest body, in bytes, whose memory is reused for the next body. A usual AKS event has 33 KB. The
// size is bounded because each partition has an Unpacker of its own.
const keptSize = 256 << 10

// readBody returns the records of a decoded body in their order. enqueued is when the body came into the hub.
// readBody fails with errTooManyValues, or with the cause of ctx if ctx ends before a large body gets its turn.
func (u *Unpacker) readBody(ctx context.Context, body []byte, enqueued time.Time) ([]Record, error) {
	if len(body) > keptSize {
		defer u.dropMemory()
	}
	if records, ok := u.fastPath.read(body); ok {
		return records, nil
	}
	if jsonscan.Values(body, maxValues) > maxValues {
		return nil, errTooManyValues
	}
	values := jsonscan.Rough(body)
	u.parsed += values
	if len(body) > largeSize || values > largeValues {
		u.dropMemory() // before the wait, because the fast path holds a copy of the body
		defer u.dropMemory()
		var parse turn
		if err := parse.take(ctx, parsing); err != nil {
			return nil, err
		}
		defer parse.giveBack()
	} else if u.parsed > parsedBeforeDrop {
		defer u.dropMemory()
	}
	u.parser.enqueued = enqueued
	return u.parser.read(body)
}

// dropMemory replaces the fast path and the parser, and with them the memory that they reuse.
func (u *Unpacker) dropMemory() {
	u.parsed = 0
	u.fastPath = fastPath{rules: u.rules, clusters: u.clusters, both: u.both}
	u.parser = parser{rules: u.rules, clusters: u.clusters, both: u.both, validator: Validator{MaxEventSize: u.rules.maxEventSize}}
}
