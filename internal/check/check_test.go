package check

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// works is a check that succeeds.
func works(context.Context, forwarder.Config) (string, error) { return "fine", nil }

// fails is a check that fails.
func fails(context.Context, forwarder.Config) (string, error) {
	return "", errors.New("broken:\n\tmend it")
}

// reportOf runs checks and returns the lines of the report.
func reportOf(ctx context.Context, checks ...check) (lines []string, r *report) {
	var out bytes.Buffer
	r = newReport(&out, 50*time.Millisecond, Options{})
	r.configuration(forwarder.Config{}, nil)
	for _, c := range checks {
		r.run(ctx, forwarder.Config{}, c)
	}
	r.end()
	return strings.Split(strings.TrimSpace(out.String()), "\n"), r
}

func TestACheckThatNeedsAFailedOneIsNotTriedAndTheOthersAre(t *testing.T) {
	lines, _ := reportOf(t.Context(), check{"a", "", fails, nil}, check{"b", "a", works, nil}, check{"c", "b", works, nil}, check{"d", "", works, nil})
	assert.Equal(t, []string{
		"✓ configuration: complete",
		"✗ a: broken: mend it",
		"– b: not tried: fix the a first",
		"– c: not tried: fix the b first",
		"✓ d: fine",
	}, lines)
}

func TestACheckThatCouldNotBeTriedIsNoFailure(t *testing.T) {
	lines, r := reportOf(t.Context(), check{"clock", "", func(context.Context, forwarder.Config) (string, error) {
		return "", errNotTried
	}, nil})
	assert.Equal(t, "– clock: not tried", lines[1])
	assert.Empty(t, r.failed)
}

func TestEachCheckIsBounded(t *testing.T) {
	waits := func(ctx context.Context, _ forwarder.Config) (string, error) {
		if end, bounded := ctx.Deadline(); !bounded || time.Until(end) > time.Second {
			return "for ever", nil
		}
		<-ctx.Done()
		return "", ctx.Err()
	}
	lines, _ := reportOf(t.Context(), check{"a", "", waits, nil}, check{"b", "", waits, nil}, check{"c", "", works, nil})
	assert.Equal(t, []string{"✗ a: no answer within 50ms", "✗ b: no answer within 50ms", "✓ c: fine"}, lines[1:])
}

func TestAnInterruptedCheckTriesNoMoreAndSaysSo(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stops := func(ctx context.Context, _ forwarder.Config) (string, error) { stop(); return "", ctx.Err() }
	lines, _ := reportOf(ctx, check{"a", "", works, nil}, check{"b", "", stops, nil}, check{"c", "", works, nil})
	assert.Equal(t, []string{"✓ a: fine", "– b: interrupted", "– c: not tried: interrupted"}, lines[1:])
	require.ErrorIs(t, Run(ctx, forwarder.Config{}, nil, Options{}, io.Discard), errInterrupted)
}

func TestAWarningIsPrintedWithTheConfiguration(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out, time.Second, Options{})
	r.configuration(forwarder.Config{Warnings: []string{"the port is odd"}}, nil)
	assert.Equal(t, "✓ configuration: complete\n  mind: the port is odd\n", out.String())
}

func TestPartsThatWereNotTriedForTheSameReasonShareALine(t *testing.T) {
	lines, _ := reportOf(t.Context(), check{"a", "", fails, nil}, check{"b", "a", works, nil}, check{"c", "a", works, nil}, check{"d", "c", works, nil})
	assert.Equal(t, []string{"✗ a: broken: mend it", "– b, c: not tried: fix the a first", "– d: not tried: fix the c first"}, lines[1:])
}

func TestOnlyTheNamedPartsAreChosen(t *testing.T) {
	all := checks(new([]partitionLag))
	some, configured, err := chosen(all, "Event-Hub, dead  letters")
	require.NoError(t, err)
	assert.False(t, configured)
	require.Len(t, some, 2)
	assert.Equal(t, "event hub", some[0].name)
	assert.Equal(t, "dead letters", some[1].name)
	assert.Empty(t, some[1].needs, "the checkpoints are not asked for")
	some, configured, err = chosen(all, "configuration")
	require.NoError(t, err)
	assert.True(t, configured)
	assert.Empty(t, some)
	_, _, err = chosen(all, "hub")
	require.ErrorIs(t, err, ErrMisused)
	require.ErrorContains(t, err, `there is no part "hub" to check: take configuration, clock, event hub, consumer group, events, checkpoints, dead letters, sink`)
}

func TestWithoutANetworkOnlyWhatNeedsNoneIsTried(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out, time.Second, Options{Offline: true})
	r.run(t.Context(), forwarder.Config{}, check{"a", "", works, nil})
	r.run(t.Context(), forwarder.Config{}, check{"b", "", works, fails})
	r.run(t.Context(), forwarder.Config{}, check{"c", "", fails, works})
	assert.Equal(t, "– a: not tried: it needs the network, and -offline is set\n✗ b: broken: mend it\n✓ c: fine\n", out.String())
}

func TestTheReportInJSONIsOneObject(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out, time.Second, Options{JSON: true})
	r.lags = []partitionLag{{Partition: "0", Lag: new(int64(3))}, {Partition: "1"}}
	r.run(t.Context(), forwarder.Config{}, check{"a", "", fails, nil})
	r.run(t.Context(), forwarder.Config{}, check{"b", "a", works, nil})
	r.run(t.Context(), forwarder.Config{}, check{"events", "", works, nil})
	r.end()
	assert.JSONEq(t, `{"ok": false, "parts": [
		{"part": "a", "state": "fails", "message": "broken: mend it"},
		{"part": "b", "state": "not_tried", "message": "not tried: fix the a first"},
		{"part": "events", "state": "works", "message": "fine", "partitions": [{"partition": "0", "lag_events": 3}, {"partition": "1", "lag_events": null}]}]}`,
		out.String())
}
