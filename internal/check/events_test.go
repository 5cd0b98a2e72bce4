package check

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// configWithFolder is the configuration of a reader of the server that keeps its checkpoints in a folder.
func configWithFolder(t *testing.T, server *hubtest.Server) forwarder.Config {
	t.Helper()
	cfg := eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs)
	cfg.CheckpointDir = filepath.Join(t.TempDir(), "checkpoints")
	return cfg
}

func TestTheAgeOfTheNewestEventIsJudged(t *testing.T) {
	for age, want := range map[time.Duration]struct {
		text         string
		fails, minds bool
	}{
		time.Second:                {"; 1 is waiting", false, false},
		150 * time.Minute:          {"the newest came in 2 hours ago (20", false, true},
		72*time.Hour + time.Minute: {"the newest came in 3 days ago (20", true, false},
	} {
		server := startGroupHub(t)
		server.AppendMessage("1", hubtest.Message{Body: [][]byte{eventhubtest.Together("a")}, Enqueued: time.Now().Add(-age)})
		cfg := configWithFolder(t, server)
		_, found, err := checkEvents(t.Context(), cfg)
		assert.Equal(t, want.fails, err != nil)
		if err != nil {
			found = err.Error()
		}
		assert.Contains(t, found, want.text)
		assert.Equal(t, want.minds, strings.Contains(found, "; mind: "), found)
		assert.Equal(t, want.fails || want.minds, strings.Contains(found, "diagnostic setting"), found)
	}
}

func TestCheckEventsTellsTheLagOfEachPartition(t *testing.T) {
	server := startGroupHub(t)
	cfg := configWithFolder(t, server)
	lags, found, err := checkEvents(t.Context(), cfg)
	require.NoError(t, err)
	assert.Contains(t, found, "the hub holds no event yet; if that lasts, nothing is watched: ")
	assert.Empty(t, lags)

	for range 3 {
		server.Append("0", []byte("a"))
	}
	cfg.StartPosition.Kind = forwarder.StartLatest
	lags, found, err = checkEvents(t.Context(), cfg)
	require.NoError(t, err)
	assert.Contains(t, found, "none is waiting; not known for 2 partitions without a checkpoint")
	assert.Equal(t, []partitionLag{{Partition: "0"}, {Partition: "1"}}, lags)

	cfg.StartPosition.Kind = forwarder.StartEarliest
	_, found, err = checkEvents(t.Context(), cfg)
	require.NoError(t, err)
	assert.Contains(t, found, "; 3 are waiting (by partition: 0: 3)")

	store, err := storage.Open(cfg)
	require.NoError(t, err)
	_, err = store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 1, Offset: server.Partition("0").LastOffset})
	require.NoError(t, err)
	require.NoError(t, store.Close())
	_, found, err = checkEvents(t.Context(), cfg)
	require.NoError(t, err)
	assert.Contains(t, found, "; 1 is waiting (by partition: 0: 1)")
}

func TestAnExpiredSignatureIsFoundWithoutANetwork(t *testing.T) {
	server := startGroupHub(t)
	gone := eventhubtest.Signature(t, server, time.Now().Add(-time.Hour))
	cfg := configWithFolder(t, server)
	_, err := checkHubOffline(t.Context(), cfg)
	require.ErrorIs(t, err, errNeedsNetwork)
	cfg.HubConnection.SAS = connstr.Secret(gone)
	_, err = checkHubOffline(t.Context(), cfg)
	require.ErrorContains(t, err, "the signature in EHUBNAMESPACECONNECTIONSTRING expired at ")
	assert.Zero(t, server.Dialled())
}

func TestAHubWithoutRecordsOfTheCategoriesIsFoundOut(t *testing.T) {
	server := startGroupHub(t)
	cfg := configWithFolder(t, server)
	klog := eventhubtest.HubBody(eventhubtest.AuditRecord("kube-scheduler", "klog"))
	server.Append("0", klog)
	_, found, err := checkEvents(t.Context(), cfg)
	require.NoError(t, err, "one hub event proves nothing")
	assert.Contains(t, found, "; mind: if that lasts, nothing is watched: the hub has only records of kube-scheduler")

	for range probeEvents {
		server.Append("0", klog)
		server.Append("1", klog)
	}
	_, _, err = checkEvents(t.Context(), cfg)
	require.ErrorContains(t, err, "but nothing is watched: ")
	require.ErrorContains(t, err, "add kube-audit or kube-audit-admin to the diagnostic setting")

	server.Append("1", eventhubtest.Together("a"))
	_, found, err = checkEvents(t.Context(), cfg)
	require.NoError(t, err)
	assert.NotContains(t, found, "watched")

	cfg.Categories = []string{"guard"}
	_, _, err = checkEvents(t.Context(), cfg)
	require.ErrorContains(t, err, "which CATEGORIES (guard) leaves out: set CATEGORIES=kube-audit")
}

func TestAHubThatADaemonReadsIsNotJudgedByItsCategories(t *testing.T) {
	server := startGroupHub(t)
	cfg := configWithFolder(t, server)
	for range probeEvents {
		server.Append("0", eventhubtest.HubBody(eventhubtest.AuditRecord("kube-scheduler", "klog")))
	}
	daemon, err := hubclient.New(cfg, eventhub.NewReaderID())
	require.NoError(t, err)
	defer func() { assert.NoError(t, daemon.Close(context.WithoutCancel(t.Context()))) }()
	reader := eventhubtest.StartReading(t, daemon, "0", eventhub.Beginning())
	defer reader.Stop(t)
	reader.Expect(t, 0)
	_, found, err := checkEvents(t.Context(), cfg)
	require.NoError(t, err)
	assert.NotContains(t, found, "watched")
	assert.Equal(t, 1, server.Receivers("0"))
}
