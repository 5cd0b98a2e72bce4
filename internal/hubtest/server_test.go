package hubtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDefaultsAreThoseOfAKS(t *testing.T) {
	s := startServer(t, Config{})
	require.Equal(t, "insights-logs-kube-audit", s.HubName())
	require.Equal(t, []string{"0", "1", "2", "3"}, s.PartitionIDs())
	require.Contains(t, s.ConnectionString(), ";SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=")
	require.NotEqual(t, s.cfg.Key, startServer(t, Config{}).cfg.Key, "every hub has a key of its own")
	ca, err := CA()
	require.NoError(t, err)
	require.Equal(t, ca, s.CAPEM())
}

func TestConnectionStringsAreAsClientsWantThem(t *testing.T) {
	s := startServer(t, Config{KeyName: "name", Key: "k=="})
	require.Regexp(t, `^Endpoint=sb://127\.0\.0\.1:\d+/;SharedAccessKeyName=name;SharedAccessKey=k==$`, s.ConnectionString())
	require.Regexp(t, `^Endpoint=sb://127\.0\.0\.1:\d+/;SharedAccessKeyName=name;SharedAccessKey=k==;UseDevelopmentEmulator=true$`, s.PlainConnectionString())
}

func TestAHubOfLessThanNoPartitionsIsNone(t *testing.T) {
	_, err := Start(Config{Partitions: -1})
	require.ErrorContains(t, err, "-1 partitions")
}

func TestTheTraceTellsNoSecret(t *testing.T) {
	var mu sync.Mutex
	var all strings.Builder
	s := startServer(t, Config{Key: "very/secret+key=", Trace: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&all, format+"\n", args...)
	}})
	s.Append("0", []byte("the body"))
	requireSome := receive(t, newReader(t, newConsumer(t, s, s.ConnectionString()), "0", earliest()), 1)
	require.Equal(t, "the body", string(requireSome[0].Body))
	wrong := strings.Replace(s.PlainConnectionString(), "very/", "almost/", 1)
	_, err := newReader(t, newConsumer(t, s, wrong), "0", earliest()).ReceiveEvents(testContext(t), 1, nil)
	require.Error(t, err)
	_, err = newConsumer(t, s, s.PlainConnectionString()).GetEventHubProperties(testContext(t), nil)
	require.NoError(t, err)
	s.Close()
	mu.Lock()
	defer mu.Unlock()
	said := all.String()
	require.Contains(t, said, "attach")
	require.Contains(t, said, "401")
	for _, secret := range []string{s.cfg.Key, "secret", "sig=", "SharedAccessSignature", "the body"} {
		require.NotContains(t, said, secret)
	}
}
