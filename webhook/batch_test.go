package webhook

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/webhook/body"
)

func batches(most int) func(*forwarder.Config) {
	return func(cfg *forwarder.Config) { cfg.PostBatchMaxEvents = most }
}

func list(all []audit.Event) string {
	return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(bodies(all), ",") + `]}`
}

// sizes returns the number of events in each POST.
func sizes(posted []string) []int {
	var all []int
	for _, body := range posted {
		all = append(all, strings.Count(body, `"auditID"`))
	}
	return all
}

// against returns a sink that answers with the status if a request holds a bad event.
func against(status int, bad ...int) *script {
	s := &script{}
	s.answer = func(n int, _ *http.Request) (*http.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range bad {
			if strings.Contains(s.got[n], fmt.Sprintf(`"id-%d"`, one)) {
				return saying(status)
			}
		}
		return saying(200)
	}
	return s
}

func verdicts(outcomes []audit.Outcome) []audit.Verdict {
	var all []audit.Verdict
	for _, o := range outcomes {
		all = append(all, o.Verdict)
	}
	return all
}

// allBut returns n times Delivered, with DeadLettered for the bad events.
func allBut(n int, bad ...int) []audit.Verdict {
	all := verdicts(delivered(n))
	for _, one := range bad {
		all[one] = audit.DeadLettered
	}
	return all
}

// In a bubble an answer takes no time, even on a busy machine.
func TestEventsGoInListsThatGrowWithAQuickSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, batches(100))
		outcomes, err := f.Deliver(t.Context(), events(300))
		require.NoError(t, err)
		assert.Equal(t, delivered(300), outcomes)
		all := events(300)
		assert.Equal(t, []string{list(all[:32]), list(all[32:96]), list(all[96:196]), list(all[196:296]), list(all[296:])}, sink.got)
		assert.Equal(t, counts{sent: 300, succeeded: 300}, f.counts())
		assert.EqualValues(t, 5, f.posts("2xx"))
	})
}

func TestASingleEventIsAListToo(t *testing.T) {
	sink := always(200)
	_, err := newFixture(t, sink, batches(400)).Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Equal(t, []string{list(events(1))}, sink.got)
}

func TestTheBytesOfAnEventAreLeftAsTheyAre(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL, batches(400)))
	odd := []audit.Event{event(0), event(1)}
	odd[0].JSON = []byte("{ \"kind\" :\t\"Event\",\n\"n\": 1.0e+2, \"s\":\"\\u00e4\\/\xc3\xa4\", \"d\":1, \"d\":2 }")
	_, err := f.Deliver(t.Context(), odd)
	require.NoError(t, err)
	assert.Equal(t, []string{list(odd)}, sink.got())
}

func TestABadEventIsFoundInItsBatch(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		for bad := range 7 {
			synctest.Test(t, func(t *testing.T) {
				sink := against(status, bad)
				f := newFixture(t, sink, batches(400))
				outcomes, err := f.Deliver(t.Context(), events(7))
				require.NoError(t, err)
				assert.Equal(t, allBut(7, bad), verdicts(outcomes), "status %d", status)
				assert.Contains(t, outcomes[bad].Reason, fmt.Sprintf("the sink answered %d", status))
				assert.Equal(t, counts{sent: 7, succeeded: 6, failed: 1}, f.counts())
				assert.LessOrEqual(t, len(sink.got), 7, "three levels of halves at most")
				assert.Zero(t, sink.at[len(sink.at)-1], "nothing is waited for")
				assertAcceptedInOrder(t, sink, status, bad, 7)
			})
		}
	}
}

// assertAcceptedInOrder checks that the sink accepted each good event once, and in order.
func assertAcceptedInOrder(t *testing.T, sink *script, status, bad, n int) {
	t.Helper()
	var taken, want []string
	head, tail, _ := strings.Cut(list([]audit.Event{{JSON: []byte("|")}}), "|")
	for _, body := range sink.got {
		if !strings.Contains(body, fmt.Sprintf(`"id-%d"`, bad)) {
			items := strings.TrimSuffix(strings.TrimPrefix(body, head), tail)
			taken = append(taken, strings.SplitAfter(strings.ReplaceAll(items, "},", "}\n"), "\n")...)
		}
	}
	for i := range n {
		if i != bad {
			want = append(want, string(event(i).JSON))
		}
	}
	for i := range taken {
		taken[i] = strings.TrimSpace(taken[i])
	}
	assert.Equal(t, want, taken, "status %d", status)
}

// The outcomes of the first events must not wait for a later event, which may be retried for hours.
func TestTheOutcomesOfARefusedBatchComeAsTheyAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, against(400, 2), batches(400))
		session := f.poster.OpenSession()
		defer session.Close()
		all := events(8)
		var got []int
		for len(all) > 0 {
			outcome, err := session.Deliver(t.Context(), all)
			require.NoError(t, err)
			got, all = append(got, outcome.Events), all[outcome.Events:]
		}
		assert.Equal(t, []int{2, 1, 1, 4}, got)
		assert.Equal(t, counts{sent: 8, succeeded: 7, failed: 1}, f.counts())
	})
}

func TestAHalfOfWhichOnlyAPartIsAskedForIsFinishedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(400, 200)
		f := newFixture(t, sink, batches(400))
		session := f.poster.OpenSession()
		defer session.Close()
		all := events(8)
		for _, asked := range []int{8, 1, 4} {
			outcome, err := session.Deliver(t.Context(), all[:min(asked, len(all))])
			require.NoError(t, err)
			all = all[outcome.Events:]
		}
		assert.Empty(t, all)
		assert.Equal(t, []int{8, 4, 1, 3}, sizes(sink.got))
		assert.Equal(t, counts{sent: 8, succeeded: 8}, f.counts())
	})
}

func TestSeveralBadEventsAreFoundInTheirBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := against(400, 0, 11, 12, 31)
		f := newFixture(t, sink, batches(400))
		outcomes, err := f.Deliver(t.Context(), events(32))
		require.NoError(t, err)
		assert.Equal(t, allBut(32, 0, 11, 12, 31), verdicts(outcomes))
	})
}

func TestARefusalOfEverythingInBatchesIsHeldAsTheEndpointsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			return saying([]int{400, 200}[min(n/40, 1)])
		}}, batches(400))
		outcomes, err := f.Deliver(t.Context(), events(32))
		require.NoError(t, err)
		assert.Equal(t, allBut(32, 0, 1, 2, 3, 4), verdicts(outcomes), "only the sixth was retried until the endpoint was right")
		assert.EqualValues(t, 6, f.counts().failed)
	})
}

func TestABatchIsRetriedWholeWhileTheSinkIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(503, 503, 503, 503, 503, 503, 503, 503, 200)
		f := newFixture(t, sink, batches(400))
		outcomes, err := f.Deliver(t.Context(), events(40))
		require.NoError(t, err)
		assert.Equal(t, delivered(40), outcomes)
		assert.Equal(t, seconds(0, 1, 3, 6, 10, 15, 20, 25, 30, 30), sink.at)
		assert.Equal(t, []int{32, 32, 32, 32, 32, 32, 32, 32, 32, 8}, sizes(sink.got))
		assert.Equal(t, counts{sent: 40, succeeded: 40, retried: 8 * 32, failed: 32}, f.counts(), "each event once, and each repetition")
		for _, entry := range f.logs.AllEntries() {
			if entry.Level == logrus.ErrorLevel {
				assert.Equal(t, 32, entry.Data["events"])
				assert.EqualValues(t, 0, entry.Data["sequence"])
			}
		}
	})
}

func TestTheHalvesOfABatchThatWasRetriedForeverAreNotCountedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := against(400, 2)
		sink := &script{}
		sink.answer = func(n int, req *http.Request) (*http.Response, error) {
			if n == 0 {
				return saying(404)
			}
			bad.mu.Lock()
			bad.got = sink.got
			bad.mu.Unlock()
			return bad.answer(n, req)
		}
		f := newFixture(t, sink, batches(400))
		outcomes, err := f.Deliver(t.Context(), events(4))
		require.NoError(t, err)
		assert.Equal(t, allBut(4, 2), verdicts(outcomes))
		assert.Equal(t, counts{sent: 4, succeeded: 3, retried: 4, failed: 4}, f.counts())
		assert.Zero(t, f.poster.log.held.Load())
	})
}

func TestDroppingDropsTheBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(404, 200), func(cfg *forwarder.Config) { drop(cfg); cfg.PostBatchMaxEvents = 4 })
		outcomes, err := f.Deliver(t.Context(), events(6))
		require.NoError(t, err)
		want := verdicts(delivered(6))
		for i := range 4 {
			want[i] = audit.Dropped
		}
		assert.Equal(t, want, verdicts(outcomes))
		assert.Equal(t, counts{sent: 6, succeeded: 2, failed: 4}, f.counts())
	})
}

func TestStoppingReturnsWhatTheBatchesBeforeTheFailureGot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(200, 503), batches(4))
		f.poster.Stop()
		outcomes, err := f.Deliver(t.Context(), events(10))
		require.ErrorIs(t, err, ErrStopping)
		assert.Equal(t, delivered(4), outcomes)
		assert.ErrorContains(t, err, "hub event 4 of partition 0")
	})
}

// A sink that takes seconds for an event gets smaller batches, and larger ones when it is quick again.
func TestASlowSinkIsGivenLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := true
		sink := &script{}
		sink.answer = func(n int, _ *http.Request) (*http.Response, error) {
			if busy {
				time.Sleep(time.Duration(sizes(sink.got[n : n+1])[0]) * 3 * time.Second) // the bubble's clock
			}
			return saying(200)
		}
		f := newFixture(t, sink, batches(400))
		session := f.poster.OpenSession()
		defer session.Close()
		_, err := deliverAll(t.Context(), session, events(65))
		require.NoError(t, err)
		assert.Equal(t, []int{32, 16, 8, 4, 2}, sizes(sink.got)[:5])
		busy = false
		sink.got = nil
		_, err = deliverAll(t.Context(), session, events(1000))
		require.NoError(t, err)
		assert.Greater(t, slices.Max(sizes(sink.got)), 100)
	})
}

func TestABatchThatTimesOutGoesInHalves(t *testing.T) {
	sink := serve(t, func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 0 {
			<-r.Context().Done() // until the poster closes the connection
		}
	})
	f := newFixture(t, nil, at(t, sink.URL, batches(400), func(cfg *forwarder.Config) { cfg.PostTimeout = hangsFor }))
	_, err := f.Deliver(t.Context(), events(48))
	require.NoError(t, err)
	assert.Equal(t, []int{32, 16, 16, 16}, sizes(sink.got()))
}

// Some proxies and sinks reset a body that is too large for them, instead of answering 413.
func TestASinkThatResetsLargeBodiesGetsThemInHalvesDownToWhatItTakes(t *testing.T) {
	const most = 100 << 10
	sink := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > most {
			hijacked(t, w, "")
		}
	})
	f := newFixture(t, nil, at(t, sink.URL, batches(400)))
	all := events(64)
	for n := range all {
		all[n].JSON = fmt.Appendf(nil, `{"kind":"Event","auditID":"id-%d","pad":%q}`, n, strings.Repeat("x", 20<<10))
	}
	outcomes, err := f.Deliver(t.Context(), all)
	require.NoError(t, err)
	assert.Equal(t, delivered(64), outcomes)
	var taken []string
	for _, body := range sink.got() {
		if len(body) <= most {
			taken = append(taken, regexp.MustCompile(`id-\d+`).FindAllString(body, -1)...)
		}
	}
	assert.Len(t, taken, 64, "each once")
}

func TestASinkThatTakesLittleAtATimeIsGivenNoMoreThanThat(t *testing.T) {
	const limit = 600
	sink := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	f := newFixture(t, nil, at(t, sink.URL, batches(400)))
	outcomes, err := f.Deliver(t.Context(), events(500))
	require.NoError(t, err)
	assert.Equal(t, delivered(500), outcomes)
	large := 0
	for _, body := range sink.got() {
		if len(body) > limit {
			large++
		}
	}
	assert.LessOrEqual(t, large, 7, "the halves of the first batch, and no more")
	assert.EqualValues(t, large, f.metric("aks_audit_log_split_batches_total"))
}

func TestABatchUnderTheRateLimitIsWhatMayGoOrWhatComesInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, func(cfg *forwarder.Config) {
			limited(2, 5)(cfg)
			cfg.PostBatchMaxEvents = 400
		})
		_, err := f.Deliver(t.Context(), events(8))
		require.NoError(t, err)
		assert.Equal(t, []int{5, 2, 1}, sizes(sink.got))
		assert.Equal(t, []time.Duration{0, time.Second, 1500 * time.Millisecond}, sink.at)
	})
}

func TestABatchHoldsWhatFits(t *testing.T) {
	envelope := body.Envelope(1)
	tests := map[string]struct {
		sizes []int
		most  int
		bytes int
		want  int
	}{
		"all":                           {[]int{10, 10}, 400, 1 << 20, 2},
		"so many events":                {[]int{10, 10, 10}, 2, 1 << 20, 2},
		"one event":                     {[]int{10, 10, 10}, 1, 1 << 20, 1},
		"so many bytes, to the byte":    {[]int{10, 10, 10}, 400, envelope + 21, 2},
		"a byte too many":               {[]int{10, 10, 10}, 400, envelope + 20, 1},
		"too large for any batch":       {[]int{5000, 10}, 400, 1024, 1},
		"what follows is too large":     {[]int{10, 5000}, 400, 1024, 1},
		"the last one and nothing more": {[]int{10}, 400, 1024, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var all []audit.Event
			for _, size := range test.sizes {
				all = append(all, audit.Event{JSON: make([]byte, size)})
			}
			f := newFixture(t, nil, func(cfg *forwarder.Config) { cfg.PostBatchMaxEvents, cfg.PostBatchMaxBytes = test.most, test.bytes })
			n := f.poster.fitting(all)
			assert.Equal(t, test.want, n)
			if n > 1 {
				assert.LessOrEqual(t, len(newRequest(all, n, true).body.Bytes()), test.bytes, "as it is really built")
			}
		})
	}
}
