package partition

import (
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// read lets a partition read a hub event with a record of category, which the hub got that many minutes after noon.
func read(shared *Shared, partition, category string, minutes int) {
	record := unpack.Record{Category: category}
	if category != "kube-audit" {
		record.Verdict = audit.Skipped
	}
	event := eventhub.Event{Enqueued: eventhubtest.Noon.Add(time.Duration(minutes) * time.Minute)}
	New(partition, shared).watched(&hubEvent{Event: event, records: []unpack.Record{record}})
}

type readOne struct {
	partition, category string
	minutes             int
}

func TestNothingIsWatchedWhereOnlyOtherCategoriesComeForAQuarterOfAnHour(t *testing.T) {
	for name, test := range map[string]struct {
		reads []readOne
		want  bool
	}{
		"from the start":      {[]readOne{{"0", "guard", 0}, {"0", "guard", 15}}, true},
		"not for long yet":    {[]readOne{{"0", "guard", 0}, {"0", "guard", 14}}, false},
		"one hub event alone": {[]readOne{{"0", "guard", 100}}, false},
		"a gap in the logs":   {[]readOne{{"0", "kube-audit", 0}, {"0", "kube-audit", 100}}, false},
		"kube-audit was removed": {
			[]readOne{{"0", "kube-audit", 0}, {"1", "kube-audit", 1}, {"0", "guard", 5}, {"0", "guard", 16}}, true,
		},
		"kube-audit comes in another partition": {
			[]readOne{{"0", "guard", 0}, {"1", "kube-audit", 14}, {"0", "guard", 16}}, false,
		},
		"kube-audit comes again": {
			[]readOne{{"0", "guard", 0}, {"0", "guard", 15}, {"1", "kube-audit", 16}}, false,
		},
		"a partition far behind, and one that has just begun": {
			[]readOne{{"0", "kube-audit", 0}, {"1", "guard", 180}, {"0", "kube-audit", 1}}, false,
		},
		"an audit event of a backlog says nothing about now": {
			[]readOne{{"0", "guard", 180}, {"0", "guard", 200}, {"1", "kube-audit", 0}}, true,
		},
		"nor does it hide one of now": {
			[]readOne{{"1", "guard", 80}, {"0", "kube-audit", 100}, {"2", "kube-audit", 0}, {"1", "guard", 100}}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := eventhubtest.NewBench(2)
			shared := NewShared(b.Cfg, b.Hub, b.Store, b.Sink, b.Stats, b.Health, b.Log)
			for _, one := range test.reads {
				read(shared, one.partition, one.category, one.minutes)
			}
			assert.Equal(t, test.want, b.Health.Remarks().Unwatched != "", b.Health.Remarks().Unwatched)
		})
	}
}

func TestWhatIsNotWatchedIsLoggedOnceUntilItIsOver(t *testing.T) {
	b := eventhubtest.NewBench(2)
	shared := NewShared(b.Cfg, b.Hub, b.Store, b.Sink, b.Stats, b.Health, b.Log)
	for minute := range 60 {
		read(shared, "0", "guard", minute)
		read(shared, "1", "kube-scheduler", minute)
	}
	read(shared, "1", "kube-audit", 30) // of a backlog
	read(shared, "0", "guard", 60)
	read(shared, "1", "kube-audit", 60)
	var logged []string
	for _, entry := range b.Logged.AllEntries() {
		assert.NotEqual(t, logrus.ErrorLevel, entry.Level)
		logged = append(logged, entry.Message)
	}
	assert.Equal(t, []string{
		audit.NotWatchedAdvice([]string{"guard", "kube-scheduler"}, b.Cfg.Categories), "records of CATEGORIES arrive again",
	}, logged)
	assert.Empty(t, b.Health.Remarks().Unwatched)
}

func TestAReplicaWithoutPartitionsDoesNotKnowWhetherAnythingIsWatched(t *testing.T) {
	b := eventhubtest.NewBench(2)
	shared := NewShared(b.Cfg, b.Hub, b.Store, b.Sink, b.Stats, b.Health, b.Log)
	for _, id := range []string{"0", "1"} {
		read(shared, id, "guard", 0)
		read(shared, id, "guard", 20)
	}
	New("0", shared).forgetWatched()
	assert.NotEmpty(t, b.Health.Remarks().Unwatched)
	New("1", shared).forgetWatched()
	assert.Empty(t, b.Health.Remarks().Unwatched)
	read(shared, "0", "guard", 40)
	assert.Empty(t, b.Health.Remarks().Unwatched, "a partition that comes back has its quarter of an hour again")
	read(shared, "0", "guard", 55)
	assert.NotEmpty(t, b.Health.Remarks().Unwatched)
}
