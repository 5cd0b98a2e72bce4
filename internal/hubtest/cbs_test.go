package hubtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// waitUnanswered waits until $cbs has left n tokens unanswered.
func waitUnanswered(t *testing.T, s *Server, n int) {
	t.Helper()
	ctx := testContext(t)
	for {
		changed := s.Changed()
		if s.UnansweredTokens() >= n {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			require.FailNow(t, "too few tokens were sent", "%d wanted, %d sent", n, s.UnansweredTokens())
		}
	}
}

func TestASilentCBSTakesTokensAndGrantsNothing(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	c := newConsumer(t, s, s.ConnectionString())
	waiting := newReader(t, c, "0", earliest())
	s.SilenceCBS(true)
	ctx, giveUp := context.WithCancel(testContext(t))
	defer giveUp()
	done := make(chan error, 1)
	go func() {
		_, err := waiting.ReceiveEvents(ctx, 1, nil)
		done <- err
	}()
	waitUnanswered(t, s, 1)
	s.SilenceCBS(false)
	// What was asked in silence stays unanswered, so the client waits until it is told not to.
	require.Equal(t, 0, s.Receivers("0"))
	giveUp()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Equal(t, 1, s.UnansweredTokens())
	requireBodies(t, receive(t, newReader(t, c, "0", earliest()), 1), 0)
}

func TestASilentCBSLeavesGrantedClaimsAlone(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0", earliest())
	requireBodies(t, receive(t, p, 1), 0)
	s.SilenceCBS(true)
	s.Append("0", body(1))
	requireBodies(t, receive(t, p, 1), 1)
	require.Equal(t, 0, s.UnansweredTokens())
}

func TestDetachCBSEndsTheWaitForAnAnswer(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			s.Append("0", body(0))
			p := newReader(t, stubborn(t, s, tc.connection(s), tc.dial), "0", earliest())
			s.SilenceCBS(true)
			got := receiveLater(t, p, 1)
			waitUnanswered(t, s, 1)
			s.SilenceCBS(false)
			require.Equal(t, 1, s.DetachCBS())
			// A client that minds its links asks again.
			requireBodies(t, <-got, 0)
		})
	}
}
