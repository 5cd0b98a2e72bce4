package eventhub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// memoryHub is a hub whose partitions are slices. Its faults are set by the tests.
type memoryHub struct {
	mu         sync.Mutex
	changed    *sync.Cond
	partitions map[string][]Event
	first      map[string]int64
	displaced  chan struct{}
	// opened counts the calls of Receive; those up to deaf deliver nothing.
	opened, deaf int
	// failures are returned, one each, by the next calls of Receive.
	failures []error
	// unreachable is what management calls return while it is set.
	unreachable error
}

func newMemoryHub(partitions int) *memoryHub {
	hub := &memoryHub{partitions: map[string][]Event{}, first: map[string]int64{}, displaced: make(chan struct{})}
	hub.changed = sync.NewCond(&hub.mu)
	for _, id := range ids(partitions) {
		hub.partitions[id] = nil
	}
	return hub
}

func (h *memoryHub) append(partition string, bodies ...[]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, body := range bodies {
		sequence := int64(len(h.partitions[partition]))
		h.partitions[partition] = append(h.partitions[partition], Event{
			Body: body, Sequence: sequence, Offset: strconv.FormatInt(sequence*100, 10), Enqueued: noon.Add(time.Duration(sequence) * time.Second),
		})
	}
	h.changed.Broadcast()
}

// displace ends every Receive under way with ErrDisplaced.
func (h *memoryHub) displace() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.displaced)
	h.displaced = make(chan struct{})
}

func (h *memoryHub) setUnreachable(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unreachable = err
}

func (h *memoryHub) PartitionIDs(context.Context) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return ids(len(h.partitions)), h.unreachable
}

func (h *memoryHub) PartitionInfo(_ context.Context, partition string) (PartitionInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	events := h.partitions[partition]
	info := PartitionInfo{First: h.first[partition], Last: noSequence, LastOffset: "-1"}
	if len(events) > 0 {
		newest := events[len(events)-1]
		info.Last, info.LastOffset, info.LastEnqueued = newest.Sequence, newest.Offset, newest.Enqueued
	}
	return info, h.unreachable
}

func (h *memoryHub) Close(context.Context) error { return nil }

func (h *memoryHub) Receive(ctx context.Context, partition string, from Position, handle Handler) error {
	displaced, number, failure := h.open()
	if failure != nil {
		return failure
	}
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-displaced:
			cancel(ErrDisplaced)
		case <-reading.Done():
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.changed.Broadcast()
	}()
	for {
		event, found := h.await(reading, partition, from, number)
		if !found {
			if ctx.Err() != nil {
				return nil
			}
			return context.Cause(reading)
		}
		handle(reading, event)
		from.Sequence = event.Sequence
	}
}

func (h *memoryHub) open() (displaced chan struct{}, number int, failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failures) > 0 {
		failure, h.failures = h.failures[0], h.failures[1:]
	}
	h.opened++
	return h.displaced, h.opened, failure
}

func (h *memoryHub) links() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opened
}

// goDeaf makes the links that are open deliver nothing more.
func (h *memoryHub) goDeaf() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = h.opened
}

func (h *memoryHub) await(ctx context.Context, partition string, from Position, number int) (event Event, found bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; ctx.Err() == nil; h.changed.Wait() {
		for _, event := range h.partitions[partition] {
			if number > h.deaf && event.Sequence > from.Sequence && event.Sequence >= h.first[partition] && event.Enqueued.After(from.Since) {
				event.Body = slices.Clone(event.Body) // whoever gets the event owns it
				return event, true
			}
		}
	}
	return Event{}, false
}

// memoryStore is a store whose clock and failures are the test's.
type memoryStore struct {
	mu          sync.Mutex
	now         func() time.Time
	versions    int
	ownerships  map[string]Ownership
	checkpoints map[string]Checkpoint
	updates     int
	letters     []DeadLetter
	// failing is what every call returns while it is set.
	failing error
}

func newMemoryStore() *memoryStore {
	return &memoryStore{now: time.Now, ownerships: map[string]Ownership{}, checkpoints: map[string]Checkpoint{}}
}

func (s *memoryStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err
}

func (s *memoryStore) ListOwnerships(context.Context) ([]Ownership, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var listed []Ownership
	for _, ownership := range s.ownerships {
		listed = append(listed, ownership)
	}
	return listed, s.now(), s.failing
}

func (s *memoryStore) Claim(_ context.Context, ownership Ownership) (Ownership, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		return Ownership{}, s.failing
	}
	if s.ownerships[ownership.Partition].version != ownership.version {
		return Ownership{}, ErrLostRace
	}
	ownership.version, ownership.Renewed = s.nextVersion(), s.now()
	s.ownerships[ownership.Partition] = ownership
	return ownership, nil
}

func (s *memoryStore) nextVersion() string {
	s.versions++
	return fmt.Sprint("v", s.versions)
}

func (s *memoryStore) ListCheckpoints(context.Context) ([]Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var listed []Checkpoint
	for _, checkpoint := range s.checkpoints {
		listed = append(listed, checkpoint)
	}
	return listed, s.failing
}

func (s *memoryStore) UpdateCheckpoint(_ context.Context, checkpoint Checkpoint) (Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		return Checkpoint{}, s.failing
	}
	if s.checkpoints[checkpoint.Partition].version != checkpoint.version {
		return Checkpoint{}, ErrLostRace
	}
	checkpoint.version = s.nextVersion()
	s.checkpoints[checkpoint.Partition] = checkpoint
	s.updates++
	return checkpoint, nil
}

// written counts the checkpoint writes so far.
func (s *memoryStore) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates
}

// move is another owner that writes a checkpoint.
func (s *memoryStore) move(partition string, sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkpoints[partition] = Checkpoint{Partition: partition, Sequence: sequence, version: s.nextVersion()}
}

func (s *memoryStore) checkpoint(partition string) (Checkpoint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	checkpoint, known := s.checkpoints[partition]
	return checkpoint, known
}

func (s *memoryStore) owner(partition string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ownerships[partition].Owner
}

func (s *memoryStore) StoreDeadLetter(_ context.Context, letter DeadLetter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing == nil {
		letter.Content = slices.Clone(letter.Content)
		s.letters = append(s.letters, letter)
	}
	return s.failing
}

func (s *memoryStore) Close() error { return nil }

// memorySink keeps what it is given. A test may put a gate before it, have it settle late, and
// have it lose what is not settled.
type memorySink struct {
	// settleTime is how long what it accepted takes to be settled.
	settleTime time.Duration
	// atATime is how many events a call of Deliver takes, 1 where it is not set.
	atATime int
	// latency, if it is set, is how long the next call of Deliver takes before it takes anything.
	latency func() time.Duration
	lanes   []*memoryLane

	mu       sync.Mutex
	changed  *sync.Cond
	got      []forwarder.AuditEvent
	offered  []int // how many events each call of Deliver was given
	outcomes func(forwarder.AuditEvent) forwarder.Outcome
	// gate, if it is set, lets one event pass for each value in it.
	gate chan struct{}
	// stop makes it give up like the poster when the daemon is stopped.
	stop chan struct{}
	// entered gets a value whenever an event arrives at the gate.
	entered chan struct{}
}

func newMemorySink() *memorySink {
	sink := &memorySink{stop: make(chan struct{}), entered: make(chan struct{}, 1000)}
	sink.changed = sync.NewCond(&sink.mu)
	return sink
}

var errSinkStopped = errors.New("the sink was stopped")

func (s *memorySink) Lane() Lane {
	lane := &memoryLane{memorySink: s, lost: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lanes = append(s.lanes, lane)
	return lane
}

// lose loses what is not settled on all lanes.
func (s *memorySink) lose() {
	s.mu.Lock()
	lanes := slices.Clone(s.lanes)
	s.mu.Unlock()
	for _, lane := range lanes {
		lane.lose()
	}
}

func (s *memorySink) pass(ctx context.Context) error {
	s.entered <- struct{}{}
	if s.gate == nil {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.stop:
		return errSinkStopped
	case <-s.gate:
		return nil
	}
}

func (s *memorySink) take(event forwarder.AuditEvent) forwarder.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	event.JSON = slices.Clone(event.JSON)
	s.got = append(s.got, event)
	s.changed.Broadcast()
	if s.outcomes != nil {
		return s.outcomes(event)
	}
	return forwarder.Outcome{Verdict: forwarder.Delivered}
}

// await waits until so many events have arrived and returns their audit ids.
func (s *memorySink) await(count int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.got) < count {
		s.changed.Wait()
	}
	return s.auditIDs()
}

func (s *memorySink) auditIDs() []string {
	var got []string
	for _, event := range s.got {
		got = append(got, event.AuditID)
	}
	return got
}

func (s *memorySink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.auditIDs()
}

// bench is a consumer with everything around it in memory.
type bench struct {
	cfg      forwarder.Config
	hub      *memoryHub
	store    *memoryStore
	sink     *memorySink
	registry *prometheus.Registry
	stats    *forwarder.Statistics
	health   *forwarder.Health
	log      *logrus.Logger
	logged   *logtest.Hook
}

func newBench(partitions int) *bench {
	log, hook := logtest.NewNullLogger()
	log.SetLevel(logrus.TraceLevel)
	registry := prometheus.NewRegistry()
	return &bench{
		cfg: forwarder.Config{
			Categories: bothCategories, DedupeWindow: 50_000,
			HubName: "hub", ConsumerGroup: "$Default",
			CheckpointInterval: time.Second, ShutdownTimeout: 25 * time.Second, SinkMaxEventSize: testMaxEventSize,
			PostBatchMaxEvents: 400, PostBatchMaxBytes: 1 << 20, MaxBytesInFlight: 64 << 20,
		},
		hub: newMemoryHub(partitions), store: newMemoryStore(), sink: newMemorySink(),
		registry: registry, stats: forwarder.NewStatistics(registry, "test", time.Now), health: forwarder.NewHealth(),
		log: log, logged: hook,
	}
}

// start runs a consumer and returns what stops it and waits for its end.
func (b *bench) start(t *testing.T) (stop func()) {
	t.Helper()
	return b.startOn(t, b.hub, b.store)
}

// startOn runs a consumer on another hub or store than the bench's own.
func (b *bench) startOn(t *testing.T, hub Hub, store Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	consumer := New(b.cfg, hub, store, b.sink, b.stats, b.health, b.log)
	go func() {
		defer close(done)
		consumer.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// metric reads one sample of a metric by its name and label values.
func (b *bench) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			var values []string
			for _, label := range metric.GetLabel() {
				values = append(values, label.GetValue())
			}
			if fmt.Sprint(values) == fmt.Sprint(labels) {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s%v", name, labels)
	return 0
}
