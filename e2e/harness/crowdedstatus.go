//go:build look

package harness

import (
	"fmt"
	"math"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/history"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/forwarder/status"
)

// PicturesVariable is the environment variable with the folder for the screenshots of `make pictures`.
const PicturesVariable = "PICTURES"

// crowd is the number of partitions of the crowded status, which is the maximum of the Standard tier.
const crowd = 32

// refusal is the sink's answer in an outage.
const refusal = "the sink answered 503 Service Unavailable"

// CrowdedStatus is a statistics server with the numbers of a replica that has run for weeks: 32 partitions, names of
// 60 letters, counts of ten digits, and 24 hours of history. The server, the metrics and the page are the daemon's
// own. Only the counts are made up, because no test can run for weeks.
type CrowdedStatus struct {
	URL    string
	sink   *url.URL
	stats  *metrics.Statistics
	health *health.Health
	log    *logrus.Logger
	clock  *setClock
	kept   *history.History
	// lag is how many hub events wait in each partition.
	lag [crowd]int64
}

// setClock is a clock that is set to the times of the history, and then runs.
type setClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *setClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

func (c *setClock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// longName returns the name of a pod, with 60 letters.
func longName(i int) string {
	return fmt.Sprintf("aks-audit-log-go-production-germany-westcentral-7d9f8b6c5-%02d", i)
}

// StartCrowdedStatus starts the statistics server. Its history is a day on which the sink failed for 45 minutes in the
// night.
func StartCrowdedStatus(t *testing.T) *CrowdedStatus {
	t.Helper()
	c := &CrowdedStatus{
		health: health.NewHealth(), clock: &setClock{},
		sink: &url.URL{Scheme: "http", Host: "falco-k8saudit-webhook.falco-production.svc.cluster.local:9765"},
	}
	c.clock.set(time.Now().Add(-24 * time.Hour))
	registry := prometheus.NewRegistry()
	c.stats = metrics.NewStatistics(registry, "v1.0.0", c.clock.now)
	c.kept = history.New(c.stats, c.clock.now)
	var output Output
	c.log = logrus.New()
	c.log.SetOutput(&output)
	recent := status.NewRecentLog()
	c.log.AddHook(recent)
	cfg := forwarder.Config{
		HubConnection: connstr.HubConnection{Host: "company-security-production.servicebus.windows.net"},
		HubName:       "insights-logs-kube-audit", ConsumerGroup: "falco", FailurePolicy: forwarder.FailureHold,
		SinkURL:    c.sink,
		RunbookURL: "https://git.example.com/security/aks-audit-log-go/blob/v1.0.0",
	}
	overview := status.NewOverview(cfg, c.stats, c.health, recent, c.clock.now)
	c.own()
	c.playADay()
	c.countWeeks()
	c.log.WithTime(time.Now().Add(-9*time.Hour)).WithField("partition", "3").WithError(c.postFailure()).Warn("post failed, trying again")
	c.clock.set(time.Time{})
	server := status.NewServer("127.0.0.1:0", nil, registry, c.health, overview.Status, c.kept, c.log)
	require.NoError(t, server.Listen(t.Context()))
	c.URL = "http://" + server.Addr() + "/"
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(t.Context()) }()
	t.Cleanup(func() { require.NoError(t, <-ended) })
	return c
}

// own gives the replica all partitions except the last two. Another replica owns those.
func (c *CrowdedStatus) own() {
	owners := map[string]string{}
	for i := range crowd {
		id := fmt.Sprint(i)
		owners[id] = longName(0)
		if i >= crowd-2 {
			owners[id] = longName(1)
			continue
		}
		p := c.stats.Partition(id)
		p.Owned()
		p.Lag(0)
	}
	c.health.Ownership(crowd-2, crowd, 0)
	c.health.Owners(longName(0), owners)
	c.kept.Look()
}

// countWeeks adds the counts of the weeks before the history.
func (c *CrowdedStatus) countWeeks() {
	for i := range crowd - 2 {
		p := c.stats.Partition(fmt.Sprint(i))
		p.Records(audit.Delivered, 1_248_169_321+i)
		p.Records(audit.Skipped, 3_120_000_000+i)
		if i == 3 {
			p.Records(audit.DeadLettered, 12)
		}
	}
	for i := range 3 {
		c.stats.ClusterRead(fmt.Sprintf("aks-company-production-germany-westcentral-%d", i), 2_147_483_647, time.Now())
	}
}

// playADay records 24 hours with the usual increase by day. Ten hours ago, the sink accepts nothing for 45 minutes.
func (c *CrowdedStatus) playADay() {
	began := c.clock.now()
	for minute := range 24 * 60 {
		now := began.Add(time.Duration(minute) * time.Minute)
		c.clock.set(now)
		down := minute > 14*60 && minute < 14*60+45
		for i := range crowd - 2 {
			c.playMinute(i, now, down, int64(20+i+int(15*math.Sin(float64(minute)/230))))
		}
		c.kept.Look()
	}
}

// playMinute makes hub events arrive in a partition. They are delivered unless the sink is down.
func (c *CrowdedStatus) playMinute(i int, now time.Time, down bool, arrive int64) {
	p := c.stats.Partition(fmt.Sprint(i))
	c.lag[i] += arrive
	if down {
		p.SinkAnswered(503, refusal, 2*time.Millisecond)
		p.Lag(c.lag[i])
		return
	}
	handle := min(c.lag[i], 3*arrive)
	for range handle {
		p.Handled()
	}
	p.Records(audit.Delivered, int(handle*22))
	c.lag[i] -= handle
	p.Lag(c.lag[i])
	p.Position(9_876_543_210 + handle)
	p.Done(now.Add(-time.Duration(c.lag[i]/arrive) * time.Minute))
	p.SinkAnswered(200, "", time.Duration(3+i)*time.Millisecond)
}

// FallBehind puts one partition 11 hours and 4.8 million hub events behind, and makes three others catch up.
func (c *CrowdedStatus) FallBehind() {
	behind := metrics.Backlog{
		Since: time.Now().Add(-11 * time.Hour), HubEvents: 4_812_345_678, OldestAgeSeconds: 11*3600 + 240,
		HubEventsPerSecond: 52.5, AuditEventsPerSecond: 1155,
	}
	c.setBacklog(17, behind)
	for _, i := range []int{5, 6, 21} {
		left := float64(600 + 60*i)
		c.setBacklog(i, metrics.Backlog{
			Since: time.Now().Add(-time.Hour), HubEvents: 120_000, OldestAgeSeconds: 1800,
			HubEventsPerSecond: 200, AuditEventsPerSecond: 4400, CatchUpSeconds: &left,
		})
	}
	behind.HubEvents += 360_000
	c.stats.SetBacklog(&behind)
}

func (c *CrowdedStatus) setBacklog(i int, b metrics.Backlog) {
	p := c.stats.Partition(fmt.Sprint(i))
	p.SetBacklog(&b)
	p.Lag(b.HubEvents)
	p.Waiting(time.Now().Add(-time.Duration(b.OldestAgeSeconds) * time.Second))
}

// StandBy makes another replica own all partitions.
func (c *CrowdedStatus) StandBy() {
	owners := map[string]string{}
	for i := range crowd {
		c.stats.Partition(fmt.Sprint(i)).Released()
		owners[fmt.Sprint(i)] = longName(1)
	}
	c.health.Ownership(0, crowd, 0)
	c.health.Owners(longName(0), owners)
}

// postFailure returns the error that the log has for a failed POST.
func (c *CrowdedStatus) postFailure() error {
	return fmt.Errorf("post to %s: %s", c.sink, refusal)
}

// Break makes the sink fail for all partitions, with the same log as the daemon's.
func (c *CrowdedStatus) Break() {
	for i := range crowd - 2 {
		id := fmt.Sprint(i)
		c.stats.Partition(id).SinkAnswered(503, refusal, 2*time.Second)
		c.health.SinkFailing(id, refusal)
		c.log.WithField("partition", id).WithError(c.postFailure()).Error("retries used up, holding the audit event until the sink takes it")
	}
}
