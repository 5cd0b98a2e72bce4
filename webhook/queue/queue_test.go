package queue

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// fill accepts n requests of so many events, each after a pause, and pushes them out of the sink's queue.
func fill(q *Queue, n, events int, each time.Duration) {
	for i := range n {
		sent := time.Now()
		time.Sleep(each) // the bubble's clock
		q.Accept(int64(i+1), events, sent)
		q.Push(sent, true)
	}
	for range Requests {
		q.Push(time.Now(), true)
	}
}

func TestInAHurryTheEngineHasTheTimeThatItsLastBatchesTook(t *testing.T) {
	for name, test := range map[string]struct {
		requests, events int
		each, settles    time.Duration
	}{
		"of one event each":              {300, 1, time.Millisecond, 257*time.Millisecond + batchTime},
		"of several batches each":        {3, 300, time.Second, 2*time.Second + batchTime},
		"slowly":                         {300, 1, time.Second, 5 * time.Second},
		"fewer events than two batches":  {255, 1, time.Millisecond, 5 * time.Second},
		"the first that proves anything": {257, 1, time.Millisecond, 257*time.Millisecond + batchTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := Queue{ConfirmTime: 5 * time.Second}
				fill(&q, test.requests, test.events, test.each)
				assert.Equal(t, test.settles, time.Until(q.Settles(true)))
				assert.Equal(t, 5*time.Second, time.Until(q.Settles(false)))
				q.Answered(time.Now().Add(test.settles-1), true)
				assert.Positive(t, q.Len())
				assert.EqualValues(t, test.requests, q.Answered(time.Now().Add(test.settles), true))
				assert.Zero(t, q.Len())
			})
		})
	}
}

func TestTheSpeedOfTheEngineIsNotKnownOverANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := Queue{ConfirmTime: 5 * time.Second}
		fill(&q, 300, 1, time.Millisecond)
		q.Lose()
		q.Connected()
		fill(&q, 100, 1, time.Millisecond)
		assert.Equal(t, 5*time.Second, time.Until(q.Settles(true)))
	})
}
