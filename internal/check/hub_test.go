package check

import (
	"context"
	"fmt"
	"net/url"
	"os"
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
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// startGroupHub starts an event hub with the consumer group "falco" beside $Default.
func startGroupHub(t *testing.T) *hubtest.Server {
	t.Helper()
	server, err := hubtest.Start(hubtest.Config{Partitions: 2, ConsumerGroups: []string{"falco"}})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

func TestCheckHubReportsWhatTheHubHolds(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server := startGroupHub(t)
		cfg := eventhubtest.EmulatorConfig(t, server, client)
		found, err := checkHub(t.Context(), cfg)
		require.NoError(t, err)
		assert.Contains(t, found, " has 2 partitions")
	})
}

func TestCheckHubSaysWhatToDo(t *testing.T) {
	server := startGroupHub(t)
	gone := startGroupHub(t)
	gone.Close()
	for name, test := range map[string]struct{ change, advice string }{
		"wrong key":      {"EHUBNAMESPACECONNECTIONSTRING=" + withKey(server, "wrong"), "the hub does not accept the key"},
		"no such hub":    {"EVENTHUBNAME=other", `has no event hub "other": create it (az eventhubs eventhub create --namespace-name 127 --name other`},
		"no connection":  {"EHUBNAMESPACECONNECTIONSTRING=" + gone.ConnectionString(), "set EVENTHUBTRANSPORT=websocket"},
		"no such host":   {"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://nowhere.invalid/;SharedAccessKeyName=a;SharedAccessKey=c2VjcmV0", "there is no host nowhere.invalid"},
		"no certificate": {"EHUBNAMESPACECONNECTIONSTRING=" + unknownAuthority(t, server), "name the proxy's authority in EVENTHUBCAFILE"},
	} {
		t.Run(name, func(t *testing.T) {
			eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
				_, err := checkHub(t.Context(), eventhubtest.EmulatorConfig(t, server, client, test.change))
				require.ErrorContains(t, err, test.advice)
				assert.NotContains(t, err.Error(), "SharedAccessKey=")
			})
		})
	}
}

// unknownAuthority returns a connection string to a front whose certificate nobody trusts.
func unknownAuthority(t *testing.T, server *hubtest.Server) string {
	t.Helper()
	connection, _ := eventhubtest.StartTLSFront(t, server)
	return connection
}

// withKey returns the connection string with another key.
func withKey(server *hubtest.Server, key string) string {
	endpoint, _, _ := strings.Cut(server.ConnectionString(), ";")
	return endpoint + ";SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=" + key
}

func TestAHubThatDoesNotAnswerIsAnErrorWithinTheTime(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server := startGroupHub(t)
		server.GoSilent(true)
		defer server.GoSilent(false)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := checkHub(ctx, eventhubtest.EmulatorConfig(t, server, client))
		require.ErrorContains(t, err, fmt.Sprintf("127.0.0.1 cannot be reached by AMQP (port %s)", portOf(t, server)))
	})
}

// portOf returns the port that the server listens on.
func portOf(t *testing.T, server *hubtest.Server) string {
	t.Helper()
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(server.ConnectionString(), "Endpoint="), ";")
	address, err := url.Parse(endpoint)
	require.NoError(t, err)
	return address.Port()
}

func TestCheckConsumerGroupKnowsWhetherThereIsOne(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		for _, events := range []int{0, 1} {
			server := startGroupHub(t)
			for range events {
				server.Append("1", []byte("a"))
			}
			found, err := checkConsumerGroup(t.Context(), eventhubtest.EmulatorConfig(t, server, client, "EVENTHUBCONSUMERGROUP=falco"))
			require.NoError(t, err)
			assert.Equal(t, `"falco" may be read`, found)
			_, err = checkConsumerGroup(t.Context(), eventhubtest.EmulatorConfig(t, server, client, "EVENTHUBCONSUMERGROUP=other"))
			require.ErrorContains(t, err, `the hub has no consumer group "other": create it (az eventhubs eventhub consumer-group create `)
			require.ErrorContains(t, err, "or set EVENTHUBCONSUMERGROUP")
		}
	})
}

func TestCheckConsumerGroupDisplacesNoReader(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server := startGroupHub(t)
		hub, err := hubclient.New(eventhubtest.EmulatorConfig(t, server, client), "reader")
		require.NoError(t, err)
		defer func() { assert.NoError(t, hub.Close(context.WithoutCancel(t.Context()))) }()
		for _, partition := range server.PartitionIDs() {
			server.Append(partition, []byte("a"))
			reader := eventhubtest.StartReading(t, hub, partition, eventhub.Beginning())
			defer reader.Stop(t)
			reader.Expect(t, 0)
		}
		found, err := checkConsumerGroup(t.Context(), eventhubtest.EmulatorConfig(t, server, client))
		require.NoError(t, err)
		assert.Contains(t, found, "another reader, such as the daemon, has partition ")
		assert.Contains(t, found, "see that nothing else reads $Default")
		for _, partition := range server.PartitionIDs() {
			assert.Equal(t, 1, server.Receivers(partition))
		}
	})
}

func TestCheckOfAFolderLeavesNothingBehind(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not", "yet")
	cfg := forwarder.Config{CheckpointDir: root, HubName: "hub", ConsumerGroup: "falco"}
	for _, try := range []func(context.Context, forwarder.Config) (string, error){checkCheckpoints, checkDeadLetters} {
		found, err := try(t.Context(), cfg)
		require.NoError(t, err)
		assert.Contains(t, found, "can be written to")
	}
	above := filepath.Dir(filepath.Dir(root))
	entries, err := os.ReadDir(above)
	require.NoError(t, err)
	assert.Empty(t, entries, "neither a folder nor a file is left")
	_, err = checkClock(t.Context(), cfg)
	require.ErrorIs(t, err, errNotTried)
}

func TestCheckOfAFolderThatADaemonUsesSucceeds(t *testing.T) {
	cfg := forwarder.Config{CheckpointDir: t.TempDir(), HubName: "hub", ConsumerGroup: "falco"}
	store, err := storage.Open(cfg)
	require.NoError(t, err)
	defer func() { assert.NoError(t, store.Close()) }()
	_, err = store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 1, Offset: "1"})
	require.NoError(t, err)
	_, err = checkCheckpoints(t.Context(), cfg)
	require.NoError(t, err)
	found, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Len(t, found, 1)
}

func TestAFolderThatCannotBeWrittenToIsFound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		cfg := forwarder.Config{CheckpointDir: dir, HubName: "hub", ConsumerGroup: "falco"}
		_, err := checkCheckpoints(t.Context(), cfg)
		require.ErrorContains(t, err, "CHECKPOINTDIR "+dir+" cannot be written to: give it to user ")
		_, err = checkDeadLetters(t.Context(), cfg)
		require.ErrorContains(t, err, "cannot be written to")
	}
}

func TestCheckConsumerGroupWarnsOfAClusterThatSendsEachChangeTwice(t *testing.T) {
	server := startGroupHub(t)
	one := eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")))
	other := eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit-admin", eventhubtest.Audit("a")))
	server.Append("1", eventhubtest.OfCluster(one))
	found, err := checkConsumerGroup(t.Context(), eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs))
	require.NoError(t, err)
	assert.NotContains(t, found, "kube-audit-admin")
	server.Append("1", eventhubtest.OfCluster(other))
	found, err = checkConsumerGroup(t.Context(), eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs))
	require.NoError(t, err)
	assert.Contains(t, found, `mind, cluster "my-cluster_1": the cluster sends kube-audit and kube-audit-admin: each change is paid for and alerted twice`)
}
