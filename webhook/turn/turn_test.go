package turn

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// user takes turns: each of its requests takes so long, and a pause follows.
type user struct {
	name         string
	requests     int
	takes, pause time.Duration
	saysMore     bool
}

type slice struct {
	name  string
	takes time.Duration
}

// busy tells t of a sink that is the limit.
func busy(t *Turn) *Turn {
	t.took = time.Hour
	return t
}

// run makes the users take turns, and returns the slices: whose requests followed each other, and for how long.
func run(t *testing.T, turn *Turn, users ...user) (all []slice) {
	t.Helper()
	var ended sync.WaitGroup
	for _, u := range users {
		ended.Go(func() {
			for n := range u.requests {
				if !assert.True(t, turn.Take(t.Context(), u.name)) {
					return
				}
				<-time.After(u.takes) // the bubble's clock, as everywhere here
				if last := len(all) - 1; last >= 0 && all[last].name == u.name {
					all[last].takes += u.takes
				} else {
					all = append(all, slice{u.name, u.takes})
				}
				turn.Pass(u.saysMore && n+1 < u.requests)
				if u.pause > 0 {
					<-time.After(u.pause)
				}
			}
		})
		synctest.Wait()
	}
	ended.Wait()
	return all
}

const ms = time.Millisecond

func TestSessionsShareTheTurnBySlices(t *testing.T) {
	for name, test := range map[string]struct {
		users []user
		want  []slice
	}{
		"alone": {[]user{{name: "a", requests: 300, takes: 5 * ms, saysMore: true}}, []slice{{"a", 1500 * ms}}},
		"four": {
			[]user{
				{name: "a", requests: 100, takes: 5 * ms, saysMore: true}, {name: "b", requests: 100, takes: 5 * ms, saysMore: true},
				{name: "c", requests: 56, takes: 5 * ms, saysMore: true}, {name: "d", requests: 56, takes: 5 * ms, saysMore: true},
			},
			[]slice{{"a", 275 * ms}, {"b", 275 * ms}, {"c", 275 * ms}, {"d", 275 * ms}, {"a", 225 * ms}, {"b", 225 * ms}, {"c", 5 * ms}, {"d", 5 * ms}},
		},
		"one with little": {
			[]user{{name: "a", requests: 240, takes: 5 * ms, saysMore: true}, {name: "b", requests: 2, takes: 5 * ms, saysMore: true}},
			[]slice{{"a", 550 * ms}, {"b", 10 * ms}, {"a", 650 * ms}},
		},
		"one that pauses while the next waits": {
			[]user{{name: "a", requests: 3, takes: 5 * ms, pause: 9 * ms, saysMore: true}, {name: "b", requests: 2, takes: 5 * ms}},
			[]slice{{"a", 15 * ms}, {"b", 10 * ms}},
		},
		"one that does not come back": {
			[]user{{name: "a", requests: 2, takes: 5 * ms, pause: 11 * ms, saysMore: true}, {name: "b", requests: 2, takes: 5 * ms, saysMore: true}},
			[]slice{{"a", 5 * ms}, {"b", 10 * ms}, {"a", 5 * ms}},
		},
		"no more": {
			[]user{{name: "a", requests: 2, takes: 5 * ms}, {name: "b", requests: 2, takes: 5 * ms}},
			[]slice{{"a", 5 * ms}, {"b", 5 * ms}, {"a", 5 * ms}, {"b", 5 * ms}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				assert.Equal(t, test.want, run(t, busy(&Turn{}), test.users...))
			})
		})
	}
}

// A fast sink waits for the sessions, so they must work at the same time.
func TestBeforeAFastSinkTheTurnPassesAfterEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := user{name: "a", requests: 2, takes: ms, saysMore: true}
		other := fast
		other.name = "b"
		assert.Equal(t, []slice{{"a", ms}, {"b", ms}, {"a", ms}, {"b", ms}}, run(t, &Turn{}, fast, other))
	})
}

// Falco takes 128 audit events at a time, so one answer of several is late.
func TestTheSinkIsTheLimitIfItsAnswersAreLateInTheMean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turn Turn
		for n := range 200 {
			assert.True(t, turn.Take(t.Context(), "a"))
			if n%3 == 0 {
				<-time.After(14 * ms)
			}
			turn.Pass(true)
		}
		assert.InDelta(t, 14*ms/3, turn.took, float64(ms))
	})
}

func TestWhoComesBetweenEndsNoSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := busy(&Turn{})
		var between time.Duration
		began := time.Now()
		go func() {
			<-time.After(12 * ms)
			assert.True(t, turn.TakeBetween(t.Context()))
			between = time.Since(began)
			<-time.After(4 * ms)
			turn.Pass(false)
		}()
		got := run(t, turn, user{name: "a", requests: 4, takes: 5 * ms, saysMore: true}, user{name: "b", requests: 1, takes: 5 * ms})
		assert.Equal(t, []slice{{"a", 20 * ms}, {"b", 5 * ms}}, got)
		assert.Equal(t, 15*ms, between, "after the request that was under way")
		assert.Equal(t, 29*ms, time.Since(began))
	})
}

func TestTheTurnIsFreeForWhoComesBetweenWhileItIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := busy(&Turn{})
		assert.True(t, turn.Take(t.Context(), "a"))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			assert.True(t, turn.Take(t.Context(), "b"))
			turn.Pass(false)
		}()
		synctest.Wait()
		turn.Pass(true)
		began := time.Now()
		assert.True(t, turn.TakeBetween(t.Context()))
		turn.Pass(false)
		assert.True(t, turn.Take(t.Context(), "a"))
		assert.Equal(t, began, time.Now())
		turn.Pass(false)
		<-ended
	})
}

func TestTheEndOfAContextEndsAWait(t *testing.T) {
	for name, take := range map[string]func(*Turn, context.Context) bool{
		"a session": func(turn *Turn, ctx context.Context) bool { return turn.Take(ctx, "b") },
		"between":   (*Turn).TakeBetween,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turn := busy(&Turn{})
				assert.True(t, turn.Take(t.Context(), "a"))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				assert.False(t, take(turn, ctx))
				assert.Equal(t, time.Second, time.Since(began))
				turn.Pass(false)
				assert.True(t, turn.Take(t.Context(), "c"), "nobody waits any more")
				turn.Pass(false)
			})
		})
	}
}

// Many sessions take turns, and some give up while they wait. Never do two have the turn at once, and it is never
// lost.
func TestOnlyOneHasTheTurnAtATime(t *testing.T) {
	var turn Turn
	var holders, turns atomic.Int32
	var ended sync.WaitGroup
	for session := range 8 {
		ended.Go(func() {
			for n := range 2000 {
				ctx, cancel := context.WithCancel(t.Context())
				if (session+n)%3 == 0 {
					go cancel()
				}
				if turn.Take(ctx, session) {
					assert.Equal(t, int32(1), holders.Add(1))
					turns.Add(1)
					holders.Add(-1)
					turn.Pass(n%2 == 0)
				}
				cancel()
			}
		})
	}
	ended.Wait()
	assert.Greater(t, turns.Load(), int32(8*1000))
	assert.True(t, turn.Take(t.Context(), "last"))
	turn.Pass(false)
}
