package eventhub

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// warnings are the lines that were logged about dead letters: those of single ones, and the sums.
func (b *bench) warnings() (single, sums []logrus.Fields) {
	for _, entry := range b.logged.AllEntries() {
		switch {
		case strings.HasPrefix(entry.Message, "record stored as a dead letter"):
			single = append(single, logrus.Fields(entry.Data))
		case strings.HasPrefix(entry.Message, "more records were stored"):
			sums = append(sums, logrus.Fields(entry.Data))
		}
	}
	return single, sums
}

// refuseAll has the sink refuse every audit event for good.
func (b *bench) refuseAll() {
	b.sink.outcomes = func(forwarder.AuditEvent) forwarder.Outcome {
		return forwarder.Outcome{Verdict: forwarder.DeadLettered, Reason: "400 Bad Request"}
	}
}

func TestADeadLetterIsLoggedByItsNamesAndNothingElseOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.refuseAll()
		b.hub.append("0", oneEach("fine")[0], hubBody(auditRecord("kube-audit", `{"kind":"Event","auditID":"a","verb":"create","user":{"username":"eve"},`+
			`"objectRef":{"resource":"secrets","name":"db"},"stageTimestamp":"2020-05-05T16:16:37Z","requestObject":{"password":"hunter2"}}`)))
		stop := b.start(t)
		b.sink.await(2)
		stop()
		single, sums := b.warnings()
		require.Len(t, single, 2)
		assert.Empty(t, sums)
		assert.Equal(t, logrus.Fields{
			"partition": "0", "sequence": int64(1), "record": 0, "reason": "refused", "detail": "400 Bad Request",
			"audit_id": "a", "verb": "create", "user": "eve", "resource": "secrets db",
		}, single[1])
		for _, entry := range b.logged.AllEntries() {
			assert.NotContains(t, fmt.Sprint(entry.Message, entry.Data), "hunter2")
		}
	})
}

func TestAFloodOfDeadLettersDoesNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 100_000
		log := newBench(1)
		d := newDeadLetterLog(log.log)
		for n := range int64(flood) {
			d.stored(DeadLetter{Partition: "0", Sequence: n, Reason: forwarder.ReasonNotJSON, Content: []byte("{")})
		}
		d.stored(DeadLetter{Reason: forwarder.ReasonRefused})
		single, sums := log.warnings()
		require.Len(t, single, deadLettersSaid+1, "each reason has its own")
		assert.Equal(t, int64(0), single[0]["sequence"])
		assert.Equal(t, "refused", single[deadLettersSaid]["reason"])
		assert.Empty(t, sums)

		time.Sleep(deadLetterPause + time.Second)
		_, sums = log.warnings()
		assert.Equal(t, []logrus.Fields{{"reason": "not_json", "left_out": flood - deadLettersSaid}}, sums, "nothing has to follow for it to be said")

		d.stored(DeadLetter{Reason: forwarder.ReasonNotJSON})
		single, _ = log.warnings()
		assert.Len(t, single, deadLettersSaid+2, "the next minute begins anew")
		d.close()
	})
}

func TestWhatWasLeftOutOfTheLogIsSaidAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.refuseAll()
		for n := range deadLettersSaid + 5 {
			b.hub.append("0", oneEach(fmt.Sprint(n))[0])
		}
		stop := b.start(t)
		b.sink.await(deadLettersSaid + 5)
		stop()
		single, sums := b.warnings()
		assert.Len(t, single, deadLettersSaid)
		assert.Equal(t, []logrus.Fields{{"reason": "refused", "left_out": 5}}, sums)
	})
}
