package e2e

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// picturesVariable names the folder that `make pictures` wants the screenshots in. With it the
// scene on them lasts, so that there is something to see in the plots.
const picturesVariable = "PICTURES"

// playOutage has the sink fail for as long as the daemon takes to notice.
func playOutage(t *testing.T, fed *feed, s *sink, d *daemon) {
	t.Helper()
	fed.add(t, 3, 4)
	s.await(t, fed.total())
	s.answer(http.StatusServiceUnavailable)
	fed.add(t, 1, 1)
	eventually(t, func() bool { status, _ := d.readyz(t); return status == http.StatusServiceUnavailable }, "the daemon is not ready")
	s.answer(http.StatusOK)
	d.awaitReady(t)
	s.await(t, fed.total())
}

// playScene has two minutes go by, as a cluster makes them: more in one partition than in another, up
// and down, and a sink that is away for a while.
func playScene(t *testing.T, fed *feed, s *sink, d *daemon) {
	t.Helper()
	const length, away, back = 2 * time.Minute, 70 * time.Second, 82 * time.Second
	numbers := randomNumbers(1, 1)
	began := time.Now()
	for elapsed := time.Duration(0); elapsed < length; elapsed = time.Since(began) {
		if elapsed > away && elapsed < back {
			s.answer(http.StatusServiceUnavailable)
		} else {
			s.answer(http.StatusOK)
		}
		trickle(t, fed, numbers)
		time.Sleep(200 * time.Millisecond) // the scene is as long as it is to look, nothing is waited for
	}
	d.awaitReady(t)
}

// trickle appends to each partition what a fifth of a second may bring, and now and then a record
// of another category.
func trickle(t *testing.T, fed *feed, numbers *rand.Rand) {
	t.Helper()
	for i, partition := range fed.hub.PartitionIDs() {
		var events []string
		for range numbers.IntN(4 + 3*i) {
			events = append(events, auditEvent(partition, len(fed.sent[partition])+len(events)))
		}
		if len(events) == 0 {
			continue
		}
		fed.hub.Append(partition, auditHubEvent(t, events...))
		fed.sent[partition] = append(fed.sent[partition], events...)
		if numbers.IntN(10) == 0 {
			fed.hub.Append(partition, hubEvent(t, recordOf("kube-apiserver", "I0102 03:04:05 a line")))
		}
	}
}
