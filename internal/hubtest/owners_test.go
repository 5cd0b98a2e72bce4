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

func TestConsumerGroupsCompeteOnlyWithinThemselves(t *testing.T) {
	s := startServer(t, Config{Partitions: 2, ConsumerGroups: []string{"Audit", "other"}})
	attach := func(group, partition string, epoch int64) error {
		address := s.HubName() + "/ConsumerGroups/" + group + "/Partitions/" + partition
		// Each in a session of its own: go-amqp may give a new link the handle of one that it has yet to
		// confirm the end of, and that confirmation then ends the new one.
		_, err := trusted(t, s, amqp.ConnOptions{}).NewReceiver(testContext(t), address, &amqp.ReceiverOptions{Properties: map[string]any{epochProperty: epoch}})
		return err
	}
	for _, step := range []struct {
		group, partition string
		epoch            int64
		refused          bool
		wantOn0, wantOn1 int
	}{
		{defaultConsumerGroup, "0", 5, false, 1, 0},
		{"audit", "0", 1, false, 2, 0},                // another group does not see the epoch of 5,
		{"other", "0", 0, false, 3, 0},                // nor does a third,
		{"audit", "1", 0, false, 3, 1},                // nor another partition of the group
		{"AUDIT", "0", 0, true, 3, 1},                 // a group's name has no case
		{"Audit", "0", 2, false, 3, 1},                // displaces epoch 1 of its group and nobody else
		{"audit", "0", 1, true, 3, 1},                 // which cannot come back
		{defaultConsumerGroup, "0", 4, true, 3, 1},    // the first is still there
		{defaultConsumerGroup, "1", 4, false, 3, 2},   // and has claimed only one partition
		{"other", "0", 1 << 40, false, 3, 2},          // an epoch is a long
		{"other", "0", 1<<40 - 1, true, 3, 2},         //
		{defaultConsumerGroup, "0", 5, false, 3, 2},   // an equal epoch displaces
		{defaultConsumerGroup, "0", 500, false, 3, 2}, // as does a higher one
	} {
		err := attach(step.group, step.partition, step.epoch)
		if step.refused {
			requireCondition(t, err, condStolen)
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, step.wantOn0, s.Receivers("0"), "after %+v", step)
		require.Equal(t, step.wantOn1, s.Receivers("1"), "after %+v", step)
	}
}

func TestAnEpochEndsWithItsLink(t *testing.T) {
	s := startServer(t, Config{})
	for _, tc := range []struct {
		name string
		end  func(t *testing.T, conn *amqp.Session, r *amqp.Receiver)
	}{
		{"closed", func(t *testing.T, _ *amqp.Session, r *amqp.Receiver) { require.NoError(t, r.Close(testContext(t))) }},
		{"its session closed", func(t *testing.T, conn *amqp.Session, _ *amqp.Receiver) {
			require.NoError(t, conn.Close(testContext(t)))
		}},
		{"detached", func(*testing.T, *amqp.Session, *amqp.Receiver) { s.Detach("0", "amqp:internal-error", "") }},
		{"dropped", func(*testing.T, *amqp.Session, *amqp.Receiver) { s.DropConnections() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			session := trusted(t, s, amqp.ConnOptions{})
			options := &amqp.ReceiverOptions{Properties: map[string]any{epochProperty: int64(9)}}
			r, err := session.NewReceiver(testContext(t), consumerAddress(s, "0"), options)
			require.NoError(t, err)
			tc.end(t, session, r)
			waitReceivers(t, s, "0", 0)
			// A lower one, and none at all, are taken again.
			require.NoError(t, attachEpoch(t, s, trusted(t, s, amqp.ConnOptions{}), 3))
			s.DropConnections()
			require.NoError(t, attachEpoch(t, s, trusted(t, s, amqp.ConnOptions{}), -1))
			s.DropConnections()
			require.Equal(t, 0, s.Receivers("0"))
		})
	}
}

func TestADisplacedReaderGetsNothingMore(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	first := trusted(t, s, amqp.ConnOptions{})
	options := &amqp.ReceiverOptions{Credit: 1000, Properties: map[string]any{epochProperty: int64(0)}}
	old, err := first.NewReceiver(testContext(t), consumerAddress(s, "0"), options)
	require.NoError(t, err)
	_, err = old.Receive(testContext(t), nil)
	require.NoError(t, err)
	require.NoError(t, attachEpoch(t, s, trusted(t, s, amqp.ConnOptions{}), 0))
	// The old link has credit for all of this, but from the answer to the new one on it is not its own.
	appendBodies(s, "0", 1, 50)
	_, err = old.Receive(testContext(t), nil)
	requireCondition(t, err, condStolen)
	require.Nil(t, old.Prefetched())
}
