package loglimit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheFirstMessageIsLoggedAndThenOneAnIntervalWithTheNumberLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Limiter{Interval: time.Minute}
		assert.Equal(t, Decision{Log: true}, l.Next("a"))
		assert.Equal(t, Decision{}, l.Next("a"))
		assert.Equal(t, Decision{}, l.Next("a"))
		assert.Equal(t, Decision{Log: true}, l.Next("b"), "another key has an interval of its own")
		time.Sleep(time.Minute) // the bubble's clock
		assert.Equal(t, Decision{Log: true, LeftOut: 2, Reminder: true}, l.Next("a"))
		time.Sleep(time.Minute)
		assert.Equal(t, Decision{Log: true, Reminder: true}, l.Next("a"), "what was reported is not reported again")
	})
}

func TestWithoutAnIntervalAMessageIsLoggedOnceUntilReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Limiter{}
		assert.True(t, l.Next("a").Log)
		time.Sleep(24 * time.Hour) // the bubble's clock
		assert.False(t, l.Next("a").Log)
		l.Reset()
		assert.Equal(t, Decision{Log: true}, l.Next("a"))
	})
}

func TestAfterARecoveryTheNextMessageIsNewsAndComesSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Limiter{Interval: time.Minute}
		l.Next("a")
		l.Recover(10 * time.Second)
		time.Sleep(9 * time.Second) // the bubble's clock
		assert.Equal(t, Decision{}, l.Next("a"), "a sink that takes every other request must not fill the log")
		time.Sleep(time.Second)
		assert.Equal(t, Decision{Log: true, LeftOut: 1}, l.Next("a"))
		time.Sleep(10 * time.Second)
		assert.False(t, l.Next("a").Log, "the next interval has its full length")
	})
}

func TestABurstIsLoggedAndTheRestSummedUpAtTheEndOfTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sums []string
		l := &Limiter{Burst: 2, Interval: time.Minute, Summary: func(key string, leftOut int) {
			sums = append(sums, fmt.Sprint(key, leftOut))
		}}
		logged := 0
		for range 5 {
			if l.Next("a").Log {
				logged++
			}
		}
		l.Next("b")
		assert.Equal(t, 2, logged)
		time.Sleep(time.Minute) // the bubble's clock
		synctest.Wait()
		assert.Equal(t, []string{"a3"}, sums, "nothing is said where nothing was left out")
		for range 3 {
			l.Next("a")
		}
		l.Close()
		assert.Equal(t, []string{"a3", "a1"}, sums, "the end does not wait for the interval")
	})
}

func TestKeysThatAreNewEachTimeTakeNoMoreMemory(t *testing.T) {
	l := &Limiter{Interval: time.Minute}
	for n := range 10 * maxKeys {
		l.Next(fmt.Sprint(n))
	}
	assert.LessOrEqual(t, len(l.keys), maxKeys)
}
