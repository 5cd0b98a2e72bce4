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
func reportOf(ctx context.Context, checks ...check) (lines []string, r report) {
	var out bytes.Buffer
	r = report{out: &out, timeout: 50 * time.Millisecond, failed: map[string]bool{}}
	r.configuration(forwarder.Config{}, nil)
	for _, c := range checks {
		r.run(ctx, forwarder.Config{}, c)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), r
}

func TestACheckThatNeedsAFailedOneIsNotTriedAndTheOthersAre(t *testing.T) {
	lines, _ := reportOf(t.Context(), check{"a", "", fails}, check{"b", "a", works}, check{"c", "b", works}, check{"d", "", works})
	assert.Equal(t, []string{
		"✓ configuration: complete",
		"✗ a: broken: mend it",
		"– b: not tried: mend the a first",
		"– c: not tried: mend the b first",
		"✓ d: fine",
	}, lines)
}

func TestACheckThatCouldNotBeTriedIsNoFailure(t *testing.T) {
	lines, r := reportOf(t.Context(), check{"clock", "", func(context.Context, forwarder.Config) (string, error) {
		return "", errNotTried
	}})
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
	lines, _ := reportOf(t.Context(), check{"a", "", waits}, check{"b", "", waits}, check{"c", "", works})
	assert.Equal(t, []string{"✗ a: context deadline exceeded", "✗ b: context deadline exceeded", "✓ c: fine"}, lines[1:])
}

func TestAnInterruptedCheckTriesNoMoreAndSaysSo(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stops := func(ctx context.Context, _ forwarder.Config) (string, error) { stop(); return "", ctx.Err() }
	lines, _ := reportOf(ctx, check{"a", "", works}, check{"b", "", stops}, check{"c", "", works})
	assert.Equal(t, []string{"✓ a: fine", "– b: interrupted", "– c: not tried: interrupted"}, lines[1:])
	require.ErrorIs(t, Run(ctx, forwarder.Config{}, nil, io.Discard), errInterrupted)
}

func TestAWarningIsPrintedWithTheConfiguration(t *testing.T) {
	var out bytes.Buffer
	r := report{out: &out}
	r.configuration(forwarder.Config{Warnings: []string{"the port is odd"}}, nil)
	assert.Equal(t, "✓ configuration: complete\n  mind: the port is odd\n", out.String())
}
