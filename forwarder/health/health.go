package health

import (
	"cmp"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Health is the state of the daemon as its parts report it. It is safe for concurrent use. The probes show the
// reported reasons, so a reason must hold no secret.
type Health struct {
	watchdog watchdog

	mu sync.Mutex
	// balanced is whether a balancing round has ever succeeded.
	balanced bool
	// roundFailure is why the last balancing round failed, or empty.
	roundFailure          string
	owned, total, unowned int
	replica               string
	// owners is the owner of each partition, empty for a partition without a live owner.
	owners map[string]string
	// sinkFailures holds why the last POST of a partition failed, by partition. Other partitions are absent.
	sinkFailures map[string]string
	// unstored holds the partitions whose last attempt to store a dead letter failed.
	unstored map[string]bool
	// readings holds the state of reading of each owned partition.
	readings map[string]*reading
	// everAttached is whether the hub has ever opened a partition.
	everAttached bool
	// refusals holds why a service rejects the key or the identity of the daemon. The keys are partitions,
	// refusedManagement and refusedStorage.
	refusals map[string]string
	remarks  Remarks
	stopping bool
}

// The keys of Health.refusals that are not partitions.
const (
	refusedManagement = "management"
	refusedStorage    = "storage"
)

// NewHealth returns the health of a daemon that has just started. It is not ready. It is always alive until Watch is
// called.
func NewHealth() *Health {
	return &Health{sinkFailures: map[string]string{}, refusals: map[string]string{}, readings: map[string]*reading{}, unstored: map[string]bool{}}
}

// Watch turns the watchdog on. From now on, Alive reports a consumer that makes no progress for the timeout: the hub
// answers no management request, or no hub event is read although the partition has some. A timeout of 0 leaves the
// watchdog off. now should be time.Now, whose time keeps counting when the clock is set.
func (h *Health) Watch(timeout time.Duration, now func() time.Time) { h.watchdog.start(timeout, now) }

// Register registers the answers of the probes, and the numbers behind them, as metrics.
func (h *Health) Register(reg prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	reg.MustRegister(
		gauge("aks_audit_log_ready", "1 while /readyz answers 200, else 0.", func() float64 { return oneIf(h.Ready()) }),
		gauge("aks_audit_log_healthy", "1 while /healthz answers 200, else 0.", func() float64 { return oneIf(h.Alive()) }),
		gauge("aks_audit_log_partitions", "Partitions of the hub, with or without an owner; 0 before their number is known.",
			func() float64 { return h.number(func() int { return h.total }) }),
		gauge("aks_audit_log_receive_failing_partitions", "Owned partitions that are not read: the hub does not open them, or receiving failed twice in a row.",
			func() float64 { return h.number(func() int { unread, _ := h.unread(); return len(unread) }) }),
		gauge("aks_audit_log_sink_failing_partitions", "Owned partitions whose last POST was not accepted.",
			func() float64 { return h.number(func() int { return len(h.sinkFailures) }) }),
		gauge("aks_audit_log_dead_letter_failing_partitions", "Owned partitions whose last attempt to store a dead letter failed.",
			func() float64 { return h.number(func() int { return len(h.unstored) }) }),
	)
}

// oneIf returns 1 if a probe's answer is yes, or else 0.
func oneIf(yes bool, _ string) float64 {
	if yes {
		return 1
	}
	return 0
}

func (h *Health) number(read func() int) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return float64(read())
}

// Ownership records a balancing round that succeeded: this replica owns owned of total partitions, and unowned have no
// live owner.
func (h *Health) Ownership(owned, total, unowned int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.balanced, h.roundFailure = true, ""
	h.owned, h.total, h.unowned = owned, total, unowned
}

// OwnershipUnknown records why a balancing round failed. The partitions owned before still count as owned, because
// they are still read.
func (h *Health) OwnershipUnknown(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.roundFailure = reason
}

// Owners records the owners that a balancing round found, for the status page. byPartition is empty for a partition
// without a live owner. replica is the name of this replica.
func (h *Health) Owners(replica string, byPartition map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.replica, h.owners = replica, maps.Clone(byPartition)
}

// HubAnswered records that the hub has answered a management request.
func (h *Health) HubAnswered() { h.watchdog.hubAnswered() }

// PartitionLag records how many hub events of a partition have no verdict yet.
func (h *Health) PartitionLag(partition string, events int64) { h.watchdog.setLag(partition, events) }

// Handling records that the daemon works on a hub event of the partition until done is called. Meanwhile the watchdog
// does not wait for the hub.
func (h *Health) Handling(partition string) (done func()) {
	h.watchdog.handling(partition)
	return func() { h.watchdog.handled(partition) }
}

// SinkAnswered records that the partition's last POST was accepted.
func (h *Health) SinkAnswered(partition string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sinkFailures, partition)
}

// SinkFailing records why the partition's last POST was not accepted. The record stays until a POST of the same
// partition is accepted or the partition is released. Several sinks can share one address, and the answers of the
// others must not hide the one that is down.
func (h *Health) SinkFailing(partition, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sinkFailures[partition] = reason
}

// DeadLettersFailing records that an attempt to store a dead letter of the partition failed. The record stays until
// DeadLettersStored. It does not mean "not ready", because delivery continues.
func (h *Health) DeadLettersFailing(partition string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unstored[partition] = true
}

// DeadLettersStored records that a dead letter of the partition was stored, or that none waits.
func (h *Health) DeadLettersStored(partition string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.unstored, partition)
}

// HubRefuses records why the hub rejects the key or the identity of the daemon, or that there is no token for the hub.
// partition is empty for a management request. The record stays until HubAccepts. Owned partitions can continue until
// the hub's earlier permission expires.
func (h *Health) HubRefuses(partition, reason string) {
	h.setRefusal(cmp.Or(partition, refusedManagement), reason)
}

// HubAccepts records that the hub accepts the daemon for the partition, or for a management request if partition is
// empty.
func (h *Health) HubAccepts(partition string) { h.setRefusal(cmp.Or(partition, refusedManagement), "") }

// StorageRefuses records why the storage rejects the key or the identity of the daemon. The record stays until
// StorageAccepts.
func (h *Health) StorageRefuses(reason string) { h.setRefusal(refusedStorage, reason) }

// StorageAccepts records that the storage accepts the daemon.
func (h *Health) StorageAccepts() { h.setRefusal(refusedStorage, "") }

// setRefusal stores the reason of a refusal, or deletes the refusal if reason is empty.
func (h *Health) setRefusal(by, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reason == "" {
		delete(h.refusals, by)
		return
	}
	h.refusals[by] = reason
}

// Released records that this replica no longer owns the partition, and forgets its state.
func (h *Health) Released(partition string) {
	h.watchdog.forget(partition)
	h.SinkAnswered(partition)
	h.HubAccepts(partition)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readings, partition)
}

// Stopping records that the shutdown has begun. It cannot be undone.
func (h *Health) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}
