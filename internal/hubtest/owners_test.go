package hubtest

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"
)

// owner reads a partition from its start with an epoch.
func owner(level int64) *azeventhubs.PartitionClientOptions {
	options := earliest()
	options.OwnerLevel = &level
	return options
}

func TestAnEqualOrHigherEpochDisplaces(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, second *azeventhubs.PartitionClientOptions
	}{
		{"equal", owner(0), owner(0)},
		{"higher", owner(1), owner(2)},
		{"over none", earliest(), owner(0)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			s.Append("0", body(0))
			first := newReader(t, newConsumer(t, s, s.ConnectionString()), "0", tc.first)
			requireBodies(t, receive(t, first, 1), 0)
			second := newReader(t, newConsumer(t, s, s.PlainConnectionString()), "0", tc.second)
			requireBodies(t, receive(t, second, 1), 0)
			require.Equal(t, 1, s.Receivers("0"))
			_, err := first.ReceiveEvents(testContext(t), 1, nil)
			requireCode(t, err, azeventhubs.ErrorCodeOwnershipLost)
		})
	}
}

// attachEpoch attaches a reader to partition 0; a negative epoch stands for none.
func attachEpoch(t *testing.T, s *Server, session *amqp.Session, epoch int64) error {
	t.Helper()
	options := &amqp.ReceiverOptions{}
	if epoch >= 0 {
		options.Properties = map[string]any{epochProperty: epoch}
	}
	_, err := session.NewReceiver(testContext(t), consumerAddress(s, "0"), options)
	return err
}

func TestALowerEpochAndNoneAreRefused(t *testing.T) {
	s := startServer(t, Config{})
	session := trusted(t, s, amqp.ConnOptions{})
	require.NoError(t, attachEpoch(t, s, session, 5))
	requireCondition(t, attachEpoch(t, s, session, 4), condStolen)
	requireCondition(t, attachEpoch(t, s, session, -1), condStolen)
	require.Equal(t, 1, s.Receivers("0"))
}

func TestFiveShareAPartitionAndNoMore(t *testing.T) {
	s := startServer(t, Config{ConsumerGroups: []string{"other"}})
	session := trusted(t, s, amqp.ConnOptions{})
	for range maxShared {
		require.NoError(t, attachEpoch(t, s, session, -1))
	}
	requireCondition(t, attachEpoch(t, s, session, -1), condResourceLimit)
	// Each consumer group counts for itself.
	_, err := session.NewReceiver(testContext(t), s.HubName()+"/ConsumerGroups/other/Partitions/0", nil)
	require.NoError(t, err)
	require.Equal(t, maxShared+1, s.Receivers("0"))
	require.Equal(t, 0, s.Receivers("1"))
}

func TestALinkThatIsClosedMakesRoom(t *testing.T) {
	s := startServer(t, Config{})
	session := trusted(t, s, amqp.ConnOptions{})
	r, err := session.NewReceiver(testContext(t), consumerAddress(s, "0"), nil)
	require.NoError(t, err)
	require.Equal(t, 1, s.Receivers("0"))
	require.NoError(t, r.Close(testContext(t)))
	waitReceivers(t, s, "0", 0)
	require.NoError(t, attachEpoch(t, s, session, -1))
	require.NoError(t, session.Close(testContext(t)))
	waitReceivers(t, s, "0", 0)
}
