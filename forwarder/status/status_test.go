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
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/promtest"
)

// situation is a daemon's knowledge, which a test fills.
type situation struct {
	*Overview
	stats  *metrics.Statistics
	health *health.Health
	log    *logrus.Logger
	clock  *promtest.Clock
}

func newSituation(t *testing.T, environ ...string) situation {
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
	log, troubles := newTroubledLog(t)
	return situation{NewOverview(cfg, stats, health, troubles, at.Now), stats, health, log, at}
}

// rounds has a balancing round find these owners; "me" is this replica.
func (s situation) rounds(owners map[string]string) {
	owned, unowned := 0, 0
	for partition, owner := range owners {
		switch owner {
		case "me":
			s.stats.Partition(partition).Owned()
			owned++
		case "":
			unowned++
		}
	}
	s.health.Ownership(owned, len(owners), unowned)
	s.health.Owners("me", owners)
}

func TestTheStatusOfADaemonThatHasJustStarted(t *testing.T) {
	s := newSituation(t)
	status := s.Status()
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

func TestEachPartitionSaysWhereItIs(t *testing.T) {
	s := newSituation(t)
	s.rounds(map[string]string{"0": "me", "1": "other-pod", "2": "", "10": "me", "9": "me"})
	s.stats.Partition("9").Released()
	status := s.Status()
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
	s := newSituation(t)
	s.rounds(map[string]string{"0": "me", "1": "me"})
	fresh := s.Status().Partitions[0]
	assert.Nil(t, fresh.Position)
	assert.Nil(t, fresh.LagEvents)
	assert.Nil(t, fresh.AgeSeconds)

	s.stats.Partition("0").Position(4711)
	s.stats.Partition("0").Lag(7)
	s.stats.Partition("0").Done(s.clock.Time.Add(-3 * time.Second))
	s.stats.Partition("0").Records(audit.Delivered, 20)
	s.stats.Partition("0").Records(audit.DeadLettered, 1)
	s.stats.Partition("1").Records(audit.Delivered, 5)
	s.stats.Partition("1").Records("no such verdict", 5)
	status := s.Status()
	p := status.Partitions[0]
	assert.Equal(t, int64(4711), *p.Position)
	assert.Equal(t, int64(7), *p.LagEvents)
	assert.InDelta(t, 3, *p.AgeSeconds, 1e-9)
	assert.Equal(t, map[audit.Verdict]int64{audit.Delivered: 20, audit.Skipped: 0, audit.DeadLettered: 1, audit.Dropped: 0}, p.Records)
	assert.Equal(t, map[audit.Verdict]int64{audit.Delivered: 25, audit.Skipped: 0, audit.DeadLettered: 1, audit.Dropped: 0}, status.Records)

	s.stats.Partition("0").Released()
	gone := s.Status().Partitions[0]
	assert.Nil(t, gone.Position, "another replica moves it now")
	assert.Nil(t, gone.LagEvents)
	assert.Equal(t, int64(20), gone.Records[audit.Delivered], "counts live as long as the process")
	s.stats.Partition("0").Owned()
	assert.Nil(t, s.Status().Partitions[0].Position, "the position that another left is not known yet")
}

func TestTheSinksLastAnswerIsThatOfTheLastPost(t *testing.T) {
	s := newSituation(t)
	s.rounds(map[string]string{"0": "me", "1": "me"})
	s.stats.Partition("0").SinkAnswered(200, "", 12*time.Millisecond)
	s.clock.Time = s.clock.Time.Add(time.Second)
	s.stats.Partition("1").SinkAnswered(503, "the sink answered 503 Service Unavailable", 2*time.Second)
	status := s.Status()
	assert.Equal(t, metrics.SinkAnswer{At: s.clock.Time, Status: 503, Failure: "the sink answered 503 Service Unavailable", Seconds: 2}, *status.LastAnswer)
	assert.Equal(t, 200, status.Partitions[0].LastAnswer.Status)
	assert.InDelta(t, 0.012, status.Partitions[0].LastAnswer.Seconds, 1e-9)
}

func TestTheStateIsTheWorstThatHolds(t *testing.T) {
	s := newSituation(t)
	s.health.Watch(time.Minute, s.clock.Now)
	s.rounds(map[string]string{"0": "me"})
	assert.Equal(t, StateForwarding, s.Status().State)
	s.health.SinkFailing("0", "503")
	assert.Equal(t, StateNotReady, s.Status().State)
	s.health.SinkAnswered("0")
	s.health.OwnershipUnknown("list ownerships: 503")
	status := s.Status()
	assert.Equal(t, StateForwarding, status.State, "what is owned is read on")
	assert.Equal(t, "list ownerships: 503", status.BalancingFailure)
	s.clock.Time = s.clock.Time.Add(2 * time.Minute)
	status = s.Status()
	assert.Equal(t, StateWedged, status.State)
	assert.Contains(t, status.Reason, "the hub has answered no question")
	s.health.Stopping()
	assert.Equal(t, StateStopping, s.Status().State)

	spare := newSituation(t)
	spare.rounds(map[string]string{"0": "other-pod"})
	assert.Equal(t, StateStandingBy, spare.Status().State)
}

func TestTheStatusHoldsNoSecret(t *testing.T) {
	s := newSituation(t)
	s.rounds(map[string]string{"0": "me"})
	s.log.WithFields(s.cfg.LogFields()).WithField("config", s.cfg).Warn("daemon starts")
	s.log.WithError(errors.New("post to " + s.cfg.SinkAddress() + ": 503")).Warn("post failed")
	body, err := json.Marshal(s.Status())
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
