package beside

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// config is what unpacking needs.
var config = forwarder.Config{SinkMaxEventSize: eventhubtest.MaxEventSize, Categories: eventhubtest.BothCategories}

// noon is when the hub got the first hub event of each partition. Each further one came a second later.
var noon = eventhubtest.Noon

// taken collects what was handed on.
type taken struct {
	mu sync.Mutex
	// sequences are the sequence numbers by partition, in their order.
	sequences map[string][]int64
	// ids are the audit ids of all records.
	ids []string
}

func (t *taken) handle(_ context.Context, event HubEvent) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sequences == nil {
		t.sequences = map[string][]int64{}
	}
	t.sequences[event.Partition] = append(t.sequences[event.Partition], event.Sequence)
	for _, record := range event.Records {
		t.ids = append(t.ids, record.AuditID)
	}
	return nil
}

// of returns the sequence numbers of a partition.
func (t *taken) of(partition string) []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sequences[partition]
}

// fill appends so many hub events to each partition, with one audit event each.
func fill(hub *eventhubtest.Hub, count int, partitions ...string) {
	for _, partition := range partitions {
		for i := range count {
			hub.Append(partition, eventhubtest.Together(fmt.Sprintf("%s/%d", partition, i)))
		}
	}
}

// silent returns a logger for messages that no test looks at.
func silent() logrus.FieldLogger {
	log, _ := test.NewNullLogger()
	return log
}

// readAll reads until all partitions are through.
func readAll(t *testing.T, hub eventhub.Hub, options Options) *taken {
	t.Helper()
	got := &taken{}
	require.NoError(t, read(t.Context(), hub, config, options, silent(), got.handle))
	return got
}

// start reads until the returned function is called.
func start(t *testing.T, hub eventhub.Hub, options Options) (got *taken, stop func()) {
	t.Helper()
	got = &taken{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- read(ctx, hub, config, options, silent(), got.handle) }()
	return got, func() {
		t.Helper()
		cancel()
		require.NoError(t, <-done)
	}
}

func TestAStretchIsReadFromItsFirstTimeUpToBeforeItsLast(t *testing.T) {
	hub := eventhubtest.NewHub(2)
	fill(hub, 10, "0", "1")
	for name, test := range map[string]struct {
		options Options
		want    []int64
	}{
		"both times":                  {Options{From: noon.Add(3 * time.Second), To: noon.Add(6 * time.Second)}, []int64{3, 4, 5}},
		"between two milliseconds":    {Options{From: noon.Add(3*time.Second - time.Nanosecond), To: noon.Add(6*time.Second - time.Nanosecond)}, []int64{3, 4, 5}},
		"to a time behind the newest": {Options{From: noon.Add(7 * time.Second), To: noon.Add(time.Hour)}, []int64{7, 8, 9}},
		"to the newest":               {Options{From: noon.Add(8 * time.Second), ToNewest: true}, []int64{8, 9}},
		"from before the oldest":      {Options{From: noon.Add(-time.Hour), To: noon.Add(2 * time.Second)}, []int64{0, 1}},
		"from behind the newest":      {Options{From: noon.Add(10 * time.Second), ToNewest: true}, nil},
		"up to before the oldest":     {Options{From: noon.Add(-time.Hour), To: noon}, nil},
		"from now to the newest":      {Options{ToNewest: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, hub, test.options)
			for _, partition := range []string{"0", "1"} {
				assert.Equal(t, test.want, got.of(partition), partition)
			}
		})
	}
}

func TestHubEventsAreUnpacked(t *testing.T) {
	hub := eventhubtest.NewHub(1)
	hub.Append("0", eventhubtest.Together("a", "b"), []byte("{"))
	var verdicts []audit.Verdict
	got := &taken{}
	err := read(t.Context(), hub, config, Options{From: noon, ToNewest: true}, silent(), func(ctx context.Context, event HubEvent) error {
		verdicts = append(verdicts, event.Records[0].Verdict)
		return got.handle(ctx, event)
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", ""}, got.ids)
	assert.Equal(t, []audit.Verdict{"", audit.Skipped}, verdicts)
}

func TestReadingFromNowGoesOnForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := eventhubtest.NewHub(2)
		fill(hub, 2, "0")
		got, stop := start(t, hub, Options{})
		synctest.Wait()
		fill(hub, 1, "0", "1")
		synctest.Wait()
		assert.Equal(t, []int64{2}, got.of("0"))
		assert.Equal(t, []int64{0}, got.of("1"))
		stop()
	})
}

func TestAPartitionWithAPositionIsReadFromThere(t *testing.T) {
	hub := eventhubtest.NewHub(2)
	fill(hub, 5, "0", "1")
	got := readAll(t, hub, Options{From: noon, ToNewest: true, After: map[string]eventhub.Position{"1": {Sequence: 3}}})
	assert.Equal(t, []int64{0, 1, 2, 3, 4}, got.of("0"))
	assert.Equal(t, []int64{4}, got.of("1"))
}

func TestReadingWaitsForATimeThatIsYetToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock begins before noon
		hub := eventhubtest.NewHub(2)
		done := make(chan struct{})
		got := &taken{}
		go func() {
			defer close(done)
			assert.NoError(t, read(t.Context(), hub, config, Options{From: noon, To: noon.Add(time.Minute)}, silent(), got.handle))
		}()
		time.Sleep(time.Until(noon.Add(time.Second))) // the clock of synctest
		fill(hub, 2, "0")
		synctest.Wait()
		assert.Equal(t, []int64{0, 1}, got.of("0"))
		select {
		case <-done:
			t.Fatal("reading ended before the time had come")
		default:
		}
		<-done
		assert.WithinDuration(t, noon.Add(time.Minute), time.Now(), 0)
	})
}

func TestWhatRetentionRemovesBeforeTheEndIsNotAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := eventhubtest.NewHub(1)
		fill(hub, 5, "0")
		got := &taken{}
		err := read(t.Context(), hub, config, Options{From: noon, ToNewest: true}, silent(), func(ctx context.Context, event HubEvent) error {
			if event.Sequence == 2 {
				hub.RemoveBefore("0", 5)
			}
			return got.handle(ctx, event)
		})
		require.NoError(t, err)
		assert.Equal(t, []int64{0, 1, 2}, got.of("0"))
	})
}

func TestAnErrorOfTheReceiverEndsAllReading(t *testing.T) {
	hub := eventhubtest.NewHub(2)
	fill(hub, 1, "0")
	full := errors.New("the disk is full")
	err := read(t.Context(), hub, config, Options{From: noon}, silent(), func(context.Context, HubEvent) error { return full })
	require.ErrorIs(t, err, full)
	assert.EqualError(t, err, "the disk is full")
}

func TestAPartitionThatIsLostIsOpenedAgainBehindTheLastHubEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := eventhubtest.NewHub(1)
		fill(hub, 2, "0")
		got, stop := start(t, hub, Options{From: noon})
		synctest.Wait()
		hub.Displace() // a loss as any other, to a reader without an epoch
		fill(hub, 1, "0")
		time.Sleep(time.Minute) // the clock of synctest
		assert.Equal(t, []int64{0, 1, 2}, got.of("0"))
		stop()
	})
}

func TestAPartitionThatCannotBeOpenedIsNotTriedAgain(t *testing.T) {
	for _, failure := range []error{errors.New("refused"), hubclient.ErrPartitionInUse} {
		hub := eventhubtest.NewHub(1)
		hub.FailReceives(failure)
		require.ErrorIs(t, read(t.Context(), hub, config, Options{From: noon}, silent(), (&taken{}).handle), failure)
		assert.Equal(t, 1, hub.Links())
	}
}

func TestReadingInTheGroupOfADaemonSaysWhichGroupToMake(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, err := hubtest.Start(hubtest.Config{Partitions: 2, ConsumerGroups: []string{"audit-reader"}})
		require.NoError(t, err)
		t.Cleanup(server.Close)
		server.Append("1", eventhubtest.Together("a"))
		cfg := eventhubtest.EmulatorConfig(t, server, client)
		daemon, err := hubclient.New(cfg, "daemon")
		require.NoError(t, err)
		// t.Context has ended by then.
		t.Cleanup(func() { hubclient.CloseQuietly(context.Background(), daemon) })
		owner := eventhubtest.StartReading(t, daemon, "1", eventhub.Beginning())
		owner.Expect(t, 0)

		options := Options{From: time.Now().Add(-time.Hour), ToNewest: true}
		err = Read(t.Context(), cfg, options, silent(), (&taken{}).handle)
		require.ErrorIs(t, err, hubclient.ErrPartitionInUse)
		assert.ErrorContains(t, err, `the consumer group "$Default" is in use`)
		assert.ErrorContains(t, err, "az eventhubs eventhub consumer-group create --namespace-name 127 --eventhub-name insights-logs-kube-audit --name audit-reader ")
		assert.ErrorContains(t, err, "give it by -group audit-reader (partition 1: ")

		got := &taken{}
		options.Group = "audit-reader"
		require.NoError(t, Read(t.Context(), cfg, options, silent(), got.handle))
		assert.Equal(t, []int64{0}, got.of("1"))

		options.Group = "missing"
		assert.ErrorContains(t, Read(t.Context(), cfg, options, silent(), got.handle), `the hub has no consumer group "missing": create it`)
		server.Append("1", eventhubtest.Together("b"))
		owner.Expect(t, 1)
		owner.Stop(t)
	})
}

func TestReadingEndsWithItsContextWithoutAnError(t *testing.T) {
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	server.Append("0", eventhubtest.Together("a"))
	ctx, cancel := context.WithCancel(t.Context())
	got := &taken{}
	err = Read(ctx, eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs), Options{From: time.Now().Add(-time.Hour)}, silent(),
		func(ctx context.Context, event HubEvent) error {
			defer cancel()
			return got.handle(ctx, event)
		})
	require.NoError(t, err)
	assert.Equal(t, []int64{0}, got.of("0"))
}
