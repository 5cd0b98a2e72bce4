//go:build bench && linux

package e2e

import (
	"fmt"
	"math"
	"os"
	"testing"

	"aks-audit-log-go/e2e/bench/load"
)

func plainAMQP(hub *part) string  { return hub.Plain }
func secureAMQP(hub *part) string { return hub.Secure }

// limit measures how a loop without guarantees drains a backlog. The loop's environment is that of the benchmark, with
// more added.
func limit(loop string, connection func(*part) string, more ...string) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, hubEvents int) measure {
		s := b.surround(t, usualPartitions)
		s.fill(t, hubEvents, usualShape)
		m := s.loop(t, hubEvents, loop, connection, more...)
		if loop == "discard" {
			m.posts, m.batch, m.sinkCPU = math.NaN(), math.NaN(), math.NaN()
		}
		return m
	}
}

// loop runs a loop without guarantees that drains the backlog.
func (s *surroundings) loop(t *testing.T, hubEvents int, loop string, connection func(*part) string, more ...string) measure {
	t.Helper()
	hub, sink := costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	environ := append(append(os.Environ(), "SSL_CERT_FILE="+caFile(t, s.hub.CA)), more...)
	p := startPart(t, environ, s.b.part, loop, "-connection", connection(s.hub), "-hub", s.hub.Hub, "-url", s.sink.URL,
		"-events", fmt.Sprint(listEvents))
	counting := s.sink
	if loop == "discard" {
		counting = p
	}
	counts := counting.await(t, int64(hubEvents*load.Records), p.Process)
	m := s.finished(t, counts, cost{}, hub, sink, p.Process)
	m.blobWrites, m.checkpoints = math.NaN(), math.NaN()
	return m
}

// straightIntoFalco measures the rate of Falco's plugin with a sender without guarantees on this machine.
func straightIntoFalco(t *testing.T, b *bench, hubEvents int) measure {
	s := b.surround(t, usualPartitions)
	s.sink = startPart(t, nil, b.falco)
	s.fill(t, hubEvents, usualShape)
	m := s.loop(t, hubEvents, "straight", plainAMQP)
	m.posts, m.batch = math.NaN(), math.NaN() // the plugin does not count these
	return m
}

// postOnly measures how fast EventLists can be posted to the counting sink.
func postOnly(t *testing.T, b *bench, hubEvents int) measure {
	return b.surround(t, usualPartitions).post(t, hubEvents)
}

// postIntoFalco measures the rate that Falco's plugin accepts.
func postIntoFalco(t *testing.T, b *bench, hubEvents int) measure {
	s := b.surround(t, usualPartitions)
	s.sink = startPart(t, nil, b.falco)
	m := s.post(t, hubEvents)
	m.posts, m.batch = math.NaN(), math.NaN() // the plugin does not count these
	return m
}

// post makes the load generator post about as many audit events as this number of hub events contains.
func (s *surroundings) post(t *testing.T, hubEvents int) measure {
	t.Helper()
	posts := max(1, hubEvents*load.Records/listEvents)
	hub, sink := costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	p := startPart(t, nil, s.b.part, "post", "-url", s.sink.URL, "-posts", fmt.Sprint(posts), "-events", fmt.Sprint(listEvents))
	counts := s.sink.await(t, int64(posts*listEvents), p.Process)
	m := s.finished(t, counts, cost{}, hub, sink, p.Process)
	m.blobWrites, m.checkpoints, m.hubCPU = math.NaN(), math.NaN(), math.NaN()
	return m
}
