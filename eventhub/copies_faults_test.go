package eventhub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// mortal is a sink that dies now and then, with what it accepted less than its settle time before.
type mortal struct {
	*bench
	rng    *rand.Rand
	deaths []time.Time
	// taken says when each audit event was accepted.
	taken map[string][]time.Time
}

func newMortal(seed uint64) *mortal {
	m := &mortal{bench: newBench(3), rng: rand.New(rand.NewPCG(seed, 0)), taken: map[string][]time.Time{}}
	m.cfg.ShutdownTimeout = time.Nanosecond // a stop is as sudden as a crash
	m.sink.settleTime = 5 * time.Second
	m.sink.atATime = 1 + m.rng.IntN(20)
	whims := rand.New(rand.NewPCG(seed, 1))
	m.sink.entered = make(chan struct{}, 100_000)
	slowness := rand.New(rand.NewPCG(seed, 2))
	m.sink.latency = func() time.Duration {
		m.sink.mu.Lock()
		defer m.sink.mu.Unlock()
		return time.Duration(slowness.IntN(1+int(seed%4)*400)) * time.Millisecond
	}
	m.sink.outcomes = func(event forwarder.AuditEvent) forwarder.Outcome {
		switch whims.IntN(30) {
		case 0:
			return forwarder.Outcome{Verdict: forwarder.DeadLettered, Reason: "400 Bad Request"}
		default:
			m.taken[event.AuditID] = append(m.taken[event.AuditID], time.Now())
			return forwarder.Outcome{Verdict: forwarder.Delivered}
		}
	}
	return m
}

// die loses what is not settled, also that of lanes that are closed.
func (m *mortal) die() {
	time.Sleep(time.Nanosecond) // the bubble's clock: what was taken was taken before
	m.sink.mu.Lock()
	m.deaths = append(m.deaths, time.Now())
	m.sink.mu.Unlock()
	m.sink.lose()
}

// has reports whether the sink has an audit event for good.
func (m *mortal) has(id string) bool {
	return slices.ContainsFunc(m.taken[id], func(at time.Time) bool {
		return !slices.ContainsFunc(m.deaths, func(death time.Time) bool {
			return death.After(at) && death.Sub(at) < m.sink.settleTime
		})
	})
}

// stored reports whether an audit event is a dead letter.
func (m *mortal) stored(id string) bool {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	for _, letter := range m.store.letters {
		if strings.Contains(string(letter.Content), `"`+id+`"`) {
			return true
		}
	}
	return false
}

// Each audit event comes in both categories, in any two of the partitions of one or two replicas,
// while the sink dies, replicas crash and partitions are displaced. None of it is lost.
func TestNoAuditEventIsLostForItsCopyWhateverFails(t *testing.T) {
	passedOver := 0.0
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMortal(seed)
				stops := []func(){m.start(t)}
				if seed%2 == 1 {
					stops = append(stops, m.start(t))
				}
				var ids []string
				for n := range 80 {
					id := fmt.Sprint("event ", n)
					ids = append(ids, id)
					for _, category := range []string{all, admin} {
						m.hub.append(fmt.Sprint(m.rng.IntN(3)), of(category, audit(id)))
						time.Sleep(time.Duration(m.rng.IntN(400)) * time.Millisecond) // the bubble's clock
					}
					switch m.rng.IntN(25) {
					case 0:
						m.die()
					case 1:
						replica := m.rng.IntN(len(stops))
						stops[replica]()
						if m.rng.IntN(2) == 0 {
							m.die()
						}
						stops[replica] = m.start(t)
					case 2:
						m.hub.displace()
					}
				}
				time.Sleep(5 * time.Minute)
				for _, stop := range stops {
					stop()
				}
				for _, id := range ids {
					require.True(t, m.has(id) || m.stored(id), "%s is lost, taken %v, deaths %v", id, m.taken[id], m.deaths)
				}
				passedOver += m.copiesPassedOver(t)
			})
		})
	}
	assert.Greater(t, passedOver, 1000.0, "copies were passed over")
}
