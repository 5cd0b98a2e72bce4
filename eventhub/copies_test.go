package eventhub

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

const (
	all   = "kube-audit"
	admin = "kube-audit-admin"
)

// of returns a hub event of one category.
func of(category string, logs ...string) []byte {
	var records []string
	for _, log := range logs {
		records = append(records, auditRecord(category, log))
	}
	return hubBody(records...)
}

// copiesPassedOver is how many records were skipped as copies.
func (b *bench) copiesPassedOver(t *testing.T) float64 {
	t.Helper()
	return b.metric(t, "aks_audit_log_skipped_records_total", "copy")
}

func TestTheCopyOfAnAuditEventInAnotherCategoryIsPassedOver(t *testing.T) {
	a, b := audit("a"), audit("b")
	for name, hubEvents := range map[string][][]byte{
		"in the hub event behind":       {of(all, a, b), of(admin, b)},
		"in the hub event before":       {of(admin, b), of(all, b, a)},
		"in the same hub event":         {hubBody(auditRecord(all, a), auditRecord(all, b), auditRecord(admin, b))},
		"right behind it":               {hubBody(auditRecord(all, a), auditRecord("KUBE-AUDIT-ADMIN", a), auditRecord(all, b))},
		"with white space around":       {of(all, a, b), of(admin, b+"\n")},
		"three times, among others":     {of(all, a, b), of(admin, a, b), of("guard", "klog"), of(admin, a)},
		"as one that was cut, salvaged": {of(all, a, b[:170]), of(admin, b[:170])},
		"as one that is too large":      {of(all, a, tooLarge("requestObject")), of(admin, tooLarge("requestObject"))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bench := newBench(1)
				bench.hub.append("0", hubEvents...)
				stop := bench.start(t)
				bench.sink.await(2)
				synctest.Wait()
				stop()
				got := bench.sink.all()
				assert.Len(t, got, 2)
				records := 0.0
				for _, body := range hubEvents {
					records += float64(strings.Count(string(body), `"category"`) - strings.Count(string(body), `"guard"`))
				}
				assert.Equal(t, records-2, bench.copiesPassedOver(t))
				assert.Equal(t, 2.0, bench.metric(t, "aks_audit_log_records_total", "delivered"))
				assert.Equal(t, int64(len(hubEvents)-1), bench.sequence(), "the checkpoint passes a copy")
			})
		})
	}
}

func TestACopyIsFoundInAnotherPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.hub.append("0", of(all, audit("a")))
		stop := b.start(t)
		b.sink.await(1)
		synctest.Wait()
		b.hub.append("1", of(admin, audit("a"), audit("b")))
		assert.Equal(t, []string{"a", "b"}, b.sink.await(2))
		stop()
		assert.Equal(t, 1.0, b.copiesPassedOver(t))
	})
}

func TestWhatIsNoCopyIsSent(t *testing.T) {
	a := audit("a")
	for name, hubEvents := range map[string][][]byte{
		// A client chooses the auditID of its request if it likes: Audit-ID.
		"another request with the same id and stage": {of(all, a), of(admin, strings.Replace(a, "get", "delete", 1))},
		"one with another response, too large both": {
			of(all, tooLarge("responseObject")), of(admin, strings.Replace(tooLarge("responseObject"), "xxx", "yyy", 1)),
		},
		"another stage":             {of(all, a), of(admin, strings.Replace(a, "ResponseComplete", "RequestReceived", 1))},
		"events without an id":      {of(all, audit("")), of(admin, audit(""))},
		"the same, in one category": {of(all, a), of(all, a)},
		"the same, of no category":  {hubBody(uncategorised(a)), hubBody(uncategorised(a))},
		"the same, spelled anew":    {of(all, a), of("Kube-Audit", a)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(1)
				b.hub.append("0", hubEvents...)
				stop := b.start(t)
				time.Sleep(time.Second) // the bubble's clock
				stop()
				assert.Len(t, b.sink.all(), 2)
				assert.Zero(t, b.copiesPassedOver(t))
			})
		})
	}
}

func TestWhatIsTheSameInOneCategoryKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.atATime = 100
		b.hub.append("0", of(all, audit("a"), audit("b"), audit("a"), audit("c")))
		stop := b.start(t)
		assert.Equal(t, []string{"a", "b", "a", "c"}, b.sink.await(4))
		stop()
	})
}

func TestCopiesAreSentWhereTheyAreNotLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.cfg.DedupeWindow = 0
		b.hub.append("0", of(all, audit("a")), of(admin, audit("a")))
		stop := b.start(t)
		assert.Equal(t, []string{"a", "a"}, b.sink.await(2))
		stop()
	})
}

func TestACopyIsFoundAmongTheLastEventsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.cfg.DedupeWindow = 3
		stop := b.start(t)
		for _, next := range [][]byte{
			of(admin, audit("a")), of(all, audit("b")), of(admin, audit("c")), of(all, audit("d")),
			of(admin, audit("b")), of(all, audit("a")), of(admin, audit("b")), of(all, audit("c")), of(admin, audit("d")),
		} {
			b.hub.append("0", next)
			synctest.Wait()
		}
		stop()
		assert.Equal(t, []string{"a", "b", "c", "d", "a", "b", "c", "d"}, b.sink.all(), "the b that came again first was among the last three")
		assert.Equal(t, 1.0, b.copiesPassedOver(t))
	})
}

func TestTheNameOfTheClusterMakesNoDifferenceToCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.cfg.ClusterName = true
		elsewhere := strings.Replace(string(ofCluster(of(admin, audit("a")))), testResource, "/another/cluster", 1)
		b.hub.append("0", ofCluster(of(all, audit("a"), audit("b"))), ofCluster(of(admin, audit("a"))), []byte(elsewhere))
		stop := b.start(t)
		b.sink.await(3)
		synctest.Wait()
		stop()
		assert.Equal(t, []string{"a", "b", "a"}, b.sink.all(), "the last is of another cluster")
		assert.Equal(t, 1.0, b.copiesPassedOver(t))
	})
}

// What the sink has lost must come again, though its copy was passed over for it.
func TestWhatIsLostWithTheSinkIsSentAgainThoughCopiesOfItWerePassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.sink.settleTime = 10 * time.Second
		b.hub.append("0", of(all, audit("a"), audit("b")))
		stop := b.start(t)
		b.sink.await(2)
		synctest.Wait()
		b.hub.append("1", of(admin, audit("a"), audit("b")))
		synctest.Wait()
		time.Sleep(2 * time.Second) // the bubble's clock
		require.Equal(t, 2.0, b.copiesPassedOver(t))
		checkpoint, _ := b.store.checkpoint("1")
		require.Equal(t, int64(0), checkpoint.Sequence, "nothing stands between the copies and the checkpoint")
		b.sink.lose()
		time.Sleep(time.Second)
		stop()
		assert.Equal(t, []string{"a", "b", "a", "b"}, b.sink.all())
		assert.Equal(t, 2.0, b.metric(t, "aks_audit_log_records_total", "delivered"), "counted once")
	})
}

func TestWhatIsSettledIsNotForgottenWithItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.sink.settleTime = 10 * time.Second
		b.hub.append("0", of(all, audit("a")))
		stop := b.start(t)
		b.sink.await(1)
		time.Sleep(11 * time.Second) // the bubble's clock
		b.hub.append("0", of(all, audit("b")))
		b.sink.await(2)
		b.sink.lose()
		b.sink.await(3)
		synctest.Wait()
		b.hub.append("1", of(admin, audit("a"), audit("b")))
		synctest.Wait()
		stop()
		assert.Equal(t, []string{"a", "b", "b"}, b.sink.all())
		assert.Equal(t, 2.0, b.copiesPassedOver(t))
	})
}

// A partition that another reader took for a while begins before what this process delivered of it.
func TestWhatIsSettledAndComesAgainWithThePartitionIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.cfg.CheckpointInterval = time.Hour
		b.hub.append("0", of(all, audit("a"), audit("b")), of(admin, audit("b")))
		stop := b.start(t)
		b.sink.await(2)
		synctest.Wait()
		b.hub.displace() // writes nothing
		time.Sleep(time.Minute)
		require.Greater(t, b.hub.links(), 1, "it is read again")
		b.hub.append("0", of(all, audit("c")))
		b.sink.await(3)
		stop()
		assert.Equal(t, []string{"a", "b", "c"}, b.sink.all())
	})
}

func TestNothingIsRememberedWhereThereIsOneCategoryOnly(t *testing.T) {
	c := newCopies(3, 2)
	one := []record{{category: all, auditID: "a", content: []byte(audit("a"))}}
	other := []record{{category: admin, auditID: "a", content: []byte(audit("a"))}}
	for range 4 {
		twins := c.twins(one)
		require.Len(t, twins, 1)
		c.remember(twins[0].print, &lease{}, 1)
	}
	assert.Nil(t, c.twins(one), "among more than three there was none of another category")
	assert.Empty(t, c.places)
	assert.Nil(t, c.ring)
	require.Len(t, c.twins(other), 1, "now there is")
	require.Len(t, c.twins(one), 1)

	assert.Nil(t, newCopies(0, 2).twins(one))
	assert.Nil(t, newCopies(3, 1).twins(one))
	assert.Equal(t, twin{}, c.twins([]record{{verdict: forwarder.Skipped, category: "guard"}})[0])
}

func TestNoMoreIsRememberedThanTheWindow(t *testing.T) {
	c := newCopies(100, 2)
	for n := range 10_000 {
		category := []string{all, admin}[n%2]
		twins := c.twins([]record{{category: category, auditID: "a", content: fmt.Append(nil, n%300)}})
		c.remember(twins[0].print, &lease{}, int64(n))
	}
	assert.Len(t, c.ring, 100)
	assert.LessOrEqual(t, len(c.places), 100)
	for print, place := range c.places {
		assert.Equal(t, print, c.ring[place].print)
	}
}

// BenchmarkCopies is what an audit event costs more while both categories come.
func BenchmarkCopies(b *testing.B) {
	c := newCopies(50_000, 2)
	lease := &lease{}
	records := []record{{category: all, auditID: "a", content: []byte(strings.Repeat("x", 900))}}
	other := []record{{category: admin, auditID: "a", content: []byte("y")}}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%1000 == 0 {
			c.twins(other)
		}
		copy(records[0].content, fmt.Append(nil, n))
		print := c.twins(records)[0].print
		c.known(print)
		c.remember(print, lease, 1)
	}
}
