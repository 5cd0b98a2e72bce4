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

// works and fails are parts.
func works(context.Context, forwarder.Config) (string, error) { return "fine", nil }

func fails(context.Context, forwarder.Config) (string, error) {
	return "", errors.New("broken:\n\tmend it")
}

// reportOf runs parts and answers the lines.
func reportOf(ctx context.Context, parts ...check) (lines []string, report checkReport) {
	var out bytes.Buffer
	report = checkReport{out: &out, timeout: 50 * time.Millisecond, failed: map[string]bool{}}
	report.configuration(forwarder.Config{}, nil)
	for _, part := range parts {
		report.run(ctx, forwarder.Config{}, part)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), report
}

func TestAPartThatNeedsABrokenOneIsNotTriedAndTheOthersAre(t *testing.T) {
	lines, _ := reportOf(t.Context(), check{"a", "", fails}, check{"b", "a", works}, check{"c", "b", works}, check{"d", "", works})
	assert.Equal(t, []string{
		"✓ configuration: complete",
		"✗ a: broken: mend it",
		"– b: not tried: mend the a first",
		"– c: not tried: mend the b first",
		"✓ d: fine",
	}, lines)
}

func TestWhatCannotBeComparedIsNoFailure(t *testing.T) {
	lines, report := reportOf(t.Context(), check{"clock", "", func(context.Context, forwarder.Config) (string, error) {
		return "", ErrNotTried
	}})
	assert.Equal(t, "– clock: not tried", lines[1])
	assert.Empty(t, report.failed)
}

func TestEachPartHasItsTimeAndNoMore(t *testing.T) {
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
	require.ErrorIs(t, Check(ctx, forwarder.Config{}, nil, io.Discard), errInterrupted)
}

func TestASuspectSettingIsNamedBesideTheConfiguration(t *testing.T) {
	var out bytes.Buffer
	report := checkReport{out: &out}
	report.configuration(forwarder.Config{Warnings: []string{"the port is odd"}}, nil)
	assert.Equal(t, "✓ configuration: complete\n  mind: the port is odd\n", out.String())
}
