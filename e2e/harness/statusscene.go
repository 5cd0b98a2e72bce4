package harness

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// PicturesVariable is the environment variable with the folder for the screenshots of `make pictures`.
// If it is set, the tests show a longer scene, so that the plots have content.
const PicturesVariable = "PICTURES"

// PlayOutage makes the sink fail until the daemon reports that it is not ready.
func PlayOutage(t *testing.T, fed *Feed, s *Sink, d *Daemon) {
	t.Helper()
	fed.Add(t, 3, 4)
	s.Await(t, fed.Total())
	s.AnswerWith(http.StatusServiceUnavailable)
	fed.Add(t, 1, 1)
	Wait(t, func() bool { status, _ := d.Readyz(t); return status == http.StatusServiceUnavailable }, "the daemon is not ready")
	s.AnswerWith(http.StatusOK)
	d.AwaitReady(t)
	s.Await(t, fed.Total())
}

// PlayScene runs two minutes of load that differs by partition and time, with an outage of the sink.
func PlayScene(t *testing.T, fed *Feed, s *Sink, d *Daemon) {
	t.Helper()
	const length, away, back = 2 * time.Minute, 70 * time.Second, 82 * time.Second
	numbers := RandomNumbers(1, 1)
	began := time.Now()
	for elapsed := time.Duration(0); elapsed < length; elapsed = time.Since(began) {
		if elapsed > away && elapsed < back {
			s.AnswerWith(http.StatusServiceUnavailable)
		} else {
			s.AnswerWith(http.StatusOK)
		}
		trickle(t, fed, numbers)
		time.Sleep(200 * time.Millisecond) // the length of the scene is for the plots; no condition is awaited
	}
	d.AwaitReady(t)
}

// trickle appends a fifth of a second's load to each partition, and sometimes a record of another
// category.
func trickle(t *testing.T, fed *Feed, numbers *rand.Rand) {
	t.Helper()
	for i, partition := range fed.hub.PartitionIDs() {
		var events []string
		for range numbers.IntN(4 + 3*i) {
			events = append(events, AuditEvent(partition, len(fed.Sent[partition])+len(events)))
		}
		if len(events) == 0 {
			continue
		}
		fed.hub.Append(partition, AuditHubEvent(t, events...))
		fed.Sent[partition] = append(fed.Sent[partition], events...)
		if numbers.IntN(10) == 0 {
			fed.hub.Append(partition, HubEvent(t, RecordOf("kube-apiserver", "I0102 03:04:05 a line")))
		}
	}
}
