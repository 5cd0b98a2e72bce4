package replay

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/beside"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// config is what unpacking needs.
var config = forwarder.Config{SinkMaxEventSize: eventhubtest.MaxEventSize, Categories: eventhubtest.BothCategories}

// noon is when the hub got the first hub event of each partition. Each further one came a second later.
var noon = eventhubtest.Noon

// stoppable gives a sink in memory a Stop.
type stoppable struct {
	*eventhubtest.Sink
	stop sync.Once
}

// Stop implements stoppableSink.
func (s *stoppable) Stop() { s.stop.Do(func() { close(s.Sink.Stop) }) }

// silent returns a logger for messages that no test looks at.
func silent() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// newReplay returns a replay of all that a hub in memory holds.
func newReplay(hub *eventhubtest.Hub, sink *eventhubtest.Sink, partitions ...string) *replay {
	options := Options{From: noon, To: noon.Add(time.Hour)}
	log := silent()
	return &replay{
		options: options, limits: limits{batch: 10, bytes: 1 << 20}, sink: &stoppable{Sink: sink}, progress: newProgress(io.Discard, false, log), log: log,
		state: &state{Hub: "hub", From: options.From, To: options.To, Partitions: map[string]done{}},
		read: func(ctx context.Context, options beside.Options, handle beside.Handle) error {
			return readAll(ctx, hub, partitions, options, handle)
		},
	}
}

// readAll reads what beside.Read does: all that the partitions hold behind their positions.
func readAll(ctx context.Context, hub *eventhubtest.Hub, partitions []string, options beside.Options, handle beside.Handle) error {
	var all sync.WaitGroup
	for _, partition := range partitions {
		info, err := hub.PartitionInfo(ctx, partition)
		if err != nil {
			return err
		}
		options.Found(partition, info)
		all.Go(func() {
			unpacker := unpack.New(config)
			for _, event := range hub.Events(partition) {
				after, known := options.After[partition]
				if ctx.Err() != nil || event.Sequence < info.First || known && after.Passed(eventhub.After(event)) {
					continue
				}
				event.Body = slices.Clone(event.Body) // it belongs to the reader
				records, detail, release, err := unpacker.Unpack(ctx, event)
				if err != nil {
					return
				}
				if err := handle(ctx, beside.HubEvent{Partition: partition, Event: event, Records: records, Detail: detail}); err != nil {
					panic(err) // this package's handle returns none
				}
				if release != nil {
					release()
				}
			}
		})
	}
	all.Wait()
	return nil
}

// fill appends so many hub events with two audit events each to the partitions, and returns the audit ids.
func fill(hub *eventhubtest.Hub, count int, partitions ...string) (ids []string) {
	for _, partition := range partitions {
		for i := range count {
			a, b := fmt.Sprintf("%s/%d/a", partition, i), fmt.Sprintf("%s/%d/b", partition, i)
			hub.Append(partition, eventhubtest.Together(a, b))
			ids = append(ids, a, b)
		}
	}
	return ids
}

// mustRun runs a replay that is expected to get through.
func mustRun(t *testing.T, r *replay) {
	t.Helper()
	require.NoError(t, r.run(t.Context()))
}
