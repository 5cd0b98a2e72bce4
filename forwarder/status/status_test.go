package status

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/history"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/promtest"
)

// fixture is an overview, and the parts of the daemon that a test reports to.
type fixture struct {
	overview *Overview
	stats    *metrics.Statistics
	health   *health.Health
	log      *logrus.Logger
	clock    *promtest.Clock
	history  *history.History
}

func newFixture(t *testing.T, environ ...string) fixture {
	t.Helper()
	cfg, err := forwarder.Load(append([]string{
		"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://my-namespace.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=aHViLWtleS1zZWNyZXQ=",
		"EVENTHUBNAME=insights-logs-kube-audit", "EVENTHUBCONSUMERGROUP=falco",
		"BLOBSTORAGECONNECTIONSTRING=DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=c3RvcmFnZS1rZXktc2VjcmV0;EndpointSuffix=core.windows.net",
		"BLOBCONTAINERNAME=checkpoints",
		"WEBSINKURL=http://falco-user:falco-password@falco:9765/hook/path-token?token=query-token",
	}, environ...))
	require.NoError(t, err)
	stats, _, at := newStatistics(t)
	health := health.NewHealth()
	log, recent := newLogger(t)
	return fixture{NewOverview(cfg, stats, health, recent, at.Now), stats, health, log, at, history.New(stats, at.Now)}
}

// balance reports a balancing round that finds these owners. "me" is this replica.
func (f fixture) balance(owners map[string]string) {
	owned, unowned := 0, 0
	for partition, owner := range owners {
		switch owner {
		case "me":
			f.stats.Partition(partition).Owned()
			owned++
		case "":
			unowned++
		}
	}
	f.health.Ownership(owned, len(owners), unowned)
	f.health.Owners("me", owners)
}

func TestTheStatusOfADaemonThatHasJustStarted(t *testing.T) {
	f := newFixture(t)
	status := f.overview.Status()
	assert.Equal(t, StateNotReady, status.State)
	assert.Contains(t, status.Reason, "no balancing round has ended")
	assert.Equal(t, "my-namespace.servicebus.windows.net", status.HubHost)
	assert.Equal(t, "insights-logs-kube-audit", status.Hub)
	assert.Equal(t, "falco", status.ConsumerGroup)
	assert.Equal(t, "http://falco:9765", status.Sink)
	assert.Equal(t, map[audit.Verdict]int64{audit.Delivered: 0, audit.Skipped: 0, audit.DeadLettered: 0, audit.Dropped: 0}, status.Records)
	assert.Nil(t, status.LastAnswer)
	body, err := json.Marshal(status)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"partitions":[]`, "a list for the page, not null")
	assert.Contains(t, string(body), `"replica":""`)
}

func TestEachPartitionShowsItsStateAndOwner(t *testing.T) {
	f := newFixture(t)
	f.balance(map[string]string{"0": "me", "1": "other-pod", "2": "", "10": "me", "9": "me"})
	f.stats.Partition("9").Released()
	status := f.overview.Status()
	var found [][3]string
	for _, p := range status.Partitions {
		found = append(found, [3]string{p.ID, p.State, p.Owner})
	}
	assert.Equal(t, [][3]string{
		{"0", PartitionHere, "me"},
		{"1", PartitionElsewhere, "other-pod"},
		{"2", PartitionUnowned, ""},
		{"9", PartitionGivenUp, ""},
		{"10", PartitionHere, "me"},
	}, found)
	assert.Equal(t, "me", status.Replica)
	assert.Equal(t, StateForwarding, status.State)
}

func TestAPartitionShowsItsPositionLagAgeAndRecords(t *testing.T) {
	f := newFixture(t)
	f.balance(map[string]string{"0": "me", "1": "me"})
	before := f.overview.Status().Partitions[0]
	assert.Nil(t, before.Position)
	assert.Nil(t, before.LagEvents)
	assert.Nil(t, before.AgeSeconds)

	f.stats.Partition("0").Position(4711)
	f.stats.Partition("0").Lag(7)
	f.stats.Partition("0").Done(f.clock.Time.Add(-3 * time.Second))
	f.stats.Partition("0").Records(audit.Delivered, 20)
	f.stats.Partition("0").Records(audit.DeadLettered, 1)
	f.stats.Partition("1").Records(audit.Delivered, 5)
	f.stats.Partition("1").Records("no such verdict", 5)
	status := f.overview.Status()
	p := status.Partitions[0]
	assert.Equal(t, int64(4711), *p.Position)
	assert.Equal(t, int64(7), *p.LagEvents)
	assert.InDelta(t, 3, *p.AgeSeconds, 1e-9)
	assert.Equal(t, map[audit.Verdict]int64{audit.Delivered: 20, audit.Skipped: 0, audit.DeadLettered: 1, audit.Dropped: 0}, p.Records)
	assert.Equal(t, map[audit.Verdict]int64{audit.Delivered: 25, audit.Skipped: 0, audit.DeadLettered: 1, audit.Dropped: 0}, status.Records)

	f.stats.Partition("0").Released()
	released := f.overview.Status().Partitions[0]
	assert.Nil(t, released.Position, "another replica moves it now")
	assert.Nil(t, released.LagEvents)
	assert.Equal(t, int64(20), released.Records[audit.Delivered], "counts live as long as the process")
	f.stats.Partition("0").Owned()
	assert.Nil(t, f.overview.Status().Partitions[0].Position, "the position that another replica left is not known yet")
}

func TestTheLastAnswerIsTheNewestOfAllPartitions(t *testing.T) {
	f := newFixture(t)
	f.balance(map[string]string{"0": "me", "1": "me"})
	f.stats.Partition("0").SinkAnswered(200, "", 12*time.Millisecond)
	f.clock.Time = f.clock.Time.Add(time.Second)
	f.stats.Partition("1").SinkAnswered(503, "the sink answered 503 Service Unavailable", 2*time.Second)
	status := f.overview.Status()
	assert.Equal(t, metrics.SinkAnswer{At: f.clock.Time, Status: 503, Failure: "the sink answered 503 Service Unavailable", Seconds: 2}, *status.LastAnswer)
	assert.Equal(t, 200, status.Partitions[0].LastAnswer.Status)
	assert.InDelta(t, 0.012, status.Partitions[0].LastAnswer.Seconds, 1e-9)
}

func TestTheStateIsTheWorstThatApplies(t *testing.T) {
	f := newFixture(t)
	f.health.Watch(time.Minute, f.clock.Now)
	f.balance(map[string]string{"0": "me"})
	assert.Equal(t, StateForwarding, f.overview.Status().State)
	f.health.SinkFailing("0", "503")
	assert.Equal(t, StateNotReady, f.overview.Status().State)
	f.health.SinkAnswered("0")
	f.health.OwnershipUnknown("list ownerships: 503")
	status := f.overview.Status()
	assert.Equal(t, StateForwarding, status.State, "partitions that are owned are read on")
	assert.Equal(t, "list ownerships: 503", status.BalancingFailure)
	f.clock.Time = f.clock.Time.Add(2 * time.Minute)
	status = f.overview.Status()
	assert.Equal(t, StateWedged, status.State)
	assert.Contains(t, status.Reason, "the hub has answered no request")
	f.health.Stopping()
	assert.Equal(t, StateStopping, f.overview.Status().State)

	standby := newFixture(t)
	standby.balance(map[string]string{"0": "other-pod"})
	assert.Equal(t, StateStandingBy, standby.overview.Status().State)
}

func TestTheStatusHoldsNoSecret(t *testing.T) {
	f := newFixture(t)
	f.balance(map[string]string{"0": "me"})
	f.log.WithFields(f.overview.cfg.LogFields()).WithField("config", f.overview.cfg).Warn("daemon starts")
	f.log.WithError(errors.New("post to " + f.overview.cfg.SinkAddress() + ": 503")).Warn("post failed")
	body, err := json.Marshal(f.overview.Status())
	require.NoError(t, err)
	assert.Contains(t, string(body), "daemon starts")
	assert.Contains(t, string(body), "post to http://falco:9765: 503")
	for _, secret := range []string{
		"aHViLWtleS1zZWNyZXQ", "c3RvcmFnZS1rZXktc2VjcmV0", "SharedAccessKey", "AccountKey", "listen",
		"falco-user", "falco-password", "path-token", "query-token",
	} {
		assert.NotContains(t, string(body), secret)
	}
}

func TestTheBacklogIsShownWhileThereIsOne(t *testing.T) {
	f := newFixture(t)
	body, err := json.Marshal(f.overview.Status())
	require.NoError(t, err)
	assert.Contains(t, string(body), `"backlog":null`)

	seconds := 90.0
	f.stats.SetBacklog(&metrics.Backlog{
		Since: f.clock.Time, HubEvents: 4500, OldestAgeSeconds: 7200, HubEventsPerSecond: 50, AuditEventsPerSecond: 100, CatchUpSeconds: &seconds,
	})
	body, err = json.Marshal(f.overview.Status().Backlog)
	require.NoError(t, err)
	assert.JSONEq(t, `{"since":"2026-01-31T12:00:00Z","hub_events":4500,"oldest_age_seconds":7200,"hub_events_per_second":50,
		"audit_events_per_second":100,"catchup_seconds":90}`, string(body))
	f.stats.SetBacklog(&metrics.Backlog{HubEvents: 4500})
	body, err = json.Marshal(f.overview.Status().Backlog)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"catchup_seconds":null`)
}

func TestWhoAnswersInPlaceOfFalcoIsInTheStatus(t *testing.T) {
	f := newFixture(t)
	assert.Empty(t, f.overview.Status().SinkIntermediary)
	f.stats.SinkIntermediary("istio-envoy")
	body, err := json.Marshal(f.overview.Status())
	require.NoError(t, err)
	assert.Contains(t, string(body), `"sink_intermediary":"istio-envoy"`)
}
