package partition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// deadLetterWarnings returns the log entries about dead letters: the single ones, and the sums.
func deadLetterWarnings(b *eventhubtest.Bench) (single, sums []logrus.Fields) {
	for _, entry := range b.Logged.AllEntries() {
		switch {
		case strings.HasPrefix(entry.Message, "record cannot be delivered"):
			single = append(single, logrus.Fields(entry.Data))
		case strings.HasPrefix(entry.Message, "more records cannot be delivered"):
			sums = append(sums, logrus.Fields(entry.Data))
		}
	}
	return single, sums
}

func TestADeadLetterIsLoggedByItsNamesAndNothingElseOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.RefuseAll()
		b.Hub.Append("0", eventhubtest.Together("fine"), eventhubtest.KubeAudit(
			`{"kind":"Event","auditID":"a","verb":"create","user":{"username":"eve"},`+
				`"objectRef":{"resource":"secrets","name":"db"},"stageTimestamp":"2020-05-05T16:16:37Z",`+
				`"requestObject":{"password":"hunter2"}}`))
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		stop()
		single, sums := deadLetterWarnings(b)
		require.Len(t, single, 2)
		assert.Empty(t, sums)
		slices.SortFunc(single, func(a, b logrus.Fields) int { return cmp.Compare(a["sequence"].(int64), b["sequence"].(int64)) })
		assert.Equal(t, logrus.Fields{
			"partition": "0", "sequence": int64(1), "record": 0, "reason": "refused", "detail": "400 Bad Request",
			"audit_id": "a", "verb": "create", "user": "eve", "resource": "secrets db",
		}, single[1])
		for _, entry := range b.Logged.AllEntries() {
			assert.NotContains(t, fmt.Sprint(entry.Message, entry.Data), "hunter2")
		}
	})
}

func TestAFloodOfDeadLettersDoesNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 100_000
		b := eventhubtest.NewBench(1)
		shared := NewShared(b.Cfg, b.Hub, b.Store, b.Sink, b.Stats, b.Health, b.Log)
		p := New("0", shared)
		for n := range int64(flood) {
			p.logDeadLetter(eventhub.DeadLetter{Partition: "0", Sequence: n, Reason: audit.ReasonNotJSON, Content: []byte("{")}, false)
		}
		p.logDeadLetter(eventhub.DeadLetter{Reason: audit.ReasonRefused}, false)
		single, sums := deadLetterWarnings(b)
		require.Len(t, single, deadLettersLogged+1, "each reason has its own limit")
		assert.Equal(t, int64(0), single[0]["sequence"])
		assert.Equal(t, "refused", single[deadLettersLogged]["reason"])
		assert.Empty(t, sums)

		time.Sleep(deadLetterInterval + time.Second) // the bubble's clock
		_, sums = deadLetterWarnings(b)
		assert.Equal(t, []logrus.Fields{{"reason": "not_json", "left_out": flood - deadLettersLogged}}, sums,
			"it is logged even if no dead letter follows")

		p.logDeadLetter(eventhub.DeadLetter{Reason: audit.ReasonNotJSON}, false)
		single, _ = deadLetterWarnings(b)
		assert.Len(t, single, deadLettersLogged+2, "the limit is per minute")
		shared.Close()
	})
}

func TestWhatWasLeftOutOfTheLogIsSaidAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.RefuseAll()
		for n := range deadLettersLogged + 5 {
			b.Hub.Append("0", eventhubtest.OneEach(fmt.Sprint(n))[0])
		}
		stop := startPartitions(t, b)
		b.Sink.Await(deadLettersLogged + 5)
		stop()
		single, sums := deadLetterWarnings(b)
		assert.Len(t, single, deadLettersLogged)
		assert.Equal(t, []logrus.Fields{{"reason": "refused", "left_out": 5}}, sums)
	})
}
