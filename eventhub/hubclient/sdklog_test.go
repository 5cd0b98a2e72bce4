package hubclient

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient/sdklog"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

// sdkLog gets all messages of the SDKs in all tests, from TestMain on. Their listeners are for the whole process and
// must not change while a client is in use.
var sdkLog sdkLogHook

// sdkLogHook counts lines and keeps those that hold a secret.
type sdkLogHook struct {
	mu     sync.Mutex
	lines  map[string]int
	secret []string
}

func (h *sdkLogHook) Levels() []logrus.Level { return logrus.AllLevels }

func (h *sdkLogHook) Fire(entry *logrus.Entry) error {
	text, err := entry.String()
	h.mu.Lock()
	defer h.mu.Unlock()
	component, _ := entry.Data["component"].(string)
	h.lines[component+" "+entry.Level.String()]++
	if strings.Contains(text, "SharedAccessKey=") || strings.Contains(text, "eyJ") || strings.Contains(text, "sig=") && !strings.Contains(text, "sig=(redacted)") {
		h.secret = append(h.secret, text)
	}
	return err
}

// seen returns how many lines came, by client and level, and the lines with a secret.
func (h *sdkLogHook) seen() (lines map[string]int, secret []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines = map[string]int{}
	for name, count := range h.lines {
		lines[name] = count
	}
	return lines, h.secret
}

func (h *sdkLogHook) listen() {
	h.lines = map[string]int{}
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.SetLevel(logrus.TraceLevel)
	log.AddHook(h)
	sdklog.Bridge(log)
}

func TestMessagesOfTheSDKsAreBelowInfoAndHoldNoSecret(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		before, _ := sdkLog.seen()
		server, hub := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		server.RefuseTokens(true)
		require.Error(t, hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}}))
		server.RefuseTokens(false)
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		r.Expect(t, 0)
		r.Stop(t)

		after, secret := sdkLog.seen()
		assert.Greater(t, after[string(client)+" debug"], before[string(client)+" debug"])
		assert.Greater(t, after[string(client)+" trace"], before[string(client)+" trace"])
		for name := range after {
			assert.Regexp(t, " (debug|trace)$", name)
		}
		assert.Empty(t, secret)
	})
}
