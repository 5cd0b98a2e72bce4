package unpack

import (
	"errors"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// Unpacker turns hub events into records. It reuses its memory for the next hub event, so two goroutines must not use
// it at once.
type Unpacker struct {
	rules    rules
	clusters *clusterTags
	both     *bothCategories
	fastPath fastPath
	parser   parser
}

// New returns an Unpacker for the configuration.
func New(cfg forwarder.Config) *Unpacker {
	return newUnpacker(rules{maxEventSize: cfg.SinkMaxEventSize, categories: cfg.Categories, clusterName: cfg.ClusterName})
}

func newUnpacker(r rules) *Unpacker {
	u := &Unpacker{rules: r, clusters: newClusterTags(), both: newBothCategories(&r)}
	u.dropMemory()
	return u
}

// Unpack returns the records of a hub event in their order. detail says more if the hub event as a whole is a dead
// letter. The records use the body: nobody may write to it afterwards, or rely on its content.
func (u *Unpacker) Unpack(event eventhub.Event) (records []Record, detail string) {
	if event.Unreadable != "" {
		return []Record{deadRecord(audit.ReasonUnreadable, "", nil)}, event.Unreadable
	}
	body, err := decode(event)
	switch {
	case errors.Is(err, errUnpackedTooLarge):
		return []Record{deadRecord(audit.ReasonTooLarge, "", event.Body)}, err.Error()
	case err != nil:
		return []Record{deadRecord(audit.ReasonBadEncoding, "", event.Body)}, err.Error()
	}
	u.parser.enqueued = event.Enqueued
	return u.unpackBody(body), ""
}

// MissedCluster reports whether the cluster's name was wanted but a record did not tell it.
func (u *Unpacker) MissedCluster() bool { return u.clusters.missed }

// BothCategories returns the name of a cluster that sends kube-audit and kube-audit-admin, so that each change comes
// twice, or "" if none is known.
func (u *Unpacker) BothCategories() (cluster string) { return u.both.found }

// keptSize is the largest body, in bytes, whose memory is reused for the next body: a usual AKS event has 33 KB, and
// each partition has an Unpacker of its own.
const keptSize = 256 << 10

// unpackBody returns the records of a decoded body in their order.
func (u *Unpacker) unpackBody(body []byte) []Record {
	if len(body) > keptSize {
		defer u.dropMemory()
	}
	if records, ok := u.fastPath.read(body); ok {
		return records
	}
	return u.parser.read(body)
}

// dropMemory replaces the fast path and the parser, and with them the memory that they reuse.
func (u *Unpacker) dropMemory() {
	u.fastPath = fastPath{rules: u.rules, clusters: u.clusters, both: u.both}
	u.parser = parser{rules: u.rules, clusters: u.clusters, both: u.both, validator: Validator{MaxEventSize: u.rules.maxEventSize}}
}
