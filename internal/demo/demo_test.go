package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// azeventhubs' client does not close its management link when it is closed. The goroutine that renews the
		// authorisation of that link ends minutes later, when it finds the client closed.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"))
}

// TestTheDemoDeliversEveryAuditEventOnce is the only test that runs the whole demo. The daemon trusts the emulator's
// CA by SSL_CERT_FILE, which a process reads only once.
func TestTheDemoDeliversEveryAuditEventOnce(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Equal(t, 0, run([]string{"-events", "300"}, &stdout, &stderr), stderr.String())
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	assert.Len(t, lines, 302)
	assert.Regexp(t, `^status page: http://127\.0\.0\.1:\d+/ `, lines[0])
	assert.Equal(t, "appended 300, delivered 300, lost 0, duplicates 0", lines[301])
	assert.Empty(t, stderr.String())

	t.Run("and ends in good order when it is interrupted", func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		out := &interruptingWriter{after: 20, interrupt: interrupt}
		result, err := play(ctx, options{rate: 100, stats: "127.0.0.1:0"}, out, io.Discard)
		require.NoError(t, err)
		assert.Positive(t, result.delivered)
		assert.Zero(t, result.lost())
		assert.Zero(t, result.duplicates)
	})
}

// interruptingWriter interrupts the demo after some lines, as Ctrl-C does.
type interruptingWriter struct {
	mu        sync.Mutex
	lines     int
	after     int
	interrupt func()
}

func (w *interruptingWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lines++; w.lines == w.after {
		w.interrupt()
	}
	return len(line), nil
}

func TestWrongArgumentsAreExplained(t *testing.T) {
	for _, args := range [][]string{{"-events", "-1"}, {"-rate", "x"}, {"more"}, {"-unknown"}} {
		var stderr bytes.Buffer
		assert.Equal(t, 2, run(args, io.Discard, &stderr), args)
		assert.Contains(t, stderr.String(), "-events")
	}
}

func TestTheTallyCountsLossesAndDuplicates(t *testing.T) {
	tally := newTally()
	for _, id := range []string{"a", "b", "c"} {
		tally.appended(id)
	}
	tally.arrived("a")
	tally.arrived("b")
	assert.Equal(t, 2, tally.arrived("b"))
	tally.await(time.Millisecond)
	got := tally.counts()
	assert.Equal(t, "appended 3, delivered 2, lost 1, duplicates 1", got.String())
	assert.Equal(t, 1, got.exitCode())
	tally.arrived("c")
	assert.Equal(t, 0, tally.counts().exitCode())
}

func TestTheWebhookAcceptsEventsAndListsAndRefusesOtherBodies(t *testing.T) {
	event := string(encode(newAuditEvent(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))))
	for name, test := range map[string]struct {
		body   string
		status int
		lines  int
	}{
		"an event":      {event, 200, 1},
		"a list":        {`{"kind":"EventList","items":[` + event + `,` + event + `]}`, 200, 2},
		"half an event": {`{"kind":`, 400, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			answer := httptest.NewRecorder()
			webhook(&out, newTally()).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(test.body)))
			assert.Equal(t, test.status, answer.Code)
			assert.Equal(t, test.lines, strings.Count(out.String(), "12:00:00.000  "))
		})
	}
}

func TestAuditIDsAreUUIDs(t *testing.T) {
	assert.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), newID())
	assert.NotEqual(t, newID(), newID())
}
