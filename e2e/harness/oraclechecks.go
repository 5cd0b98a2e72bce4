package harness

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// AssertNoErrors fails the test for each error of an Oracle, and for each lost record.
func AssertNoErrors(t *testing.T, o *Oracle) {
	t.Helper()
	for _, err := range o.Errors() {
		t.Error(err)
	}
	assert.Zero(t, o.Counts().Lost, "lost")
}

// AwaitProgress waits until more audit events are delivered than before the call.
func AwaitProgress(t *testing.T, o *Oracle) {
	t.Helper()
	before := o.Counts().Delivered
	Wait(t, func() bool { return o.Counts().Delivered > before+10 }, "audit events arrive")
}

// AwaitVerdicts waits until every record has its verdict.
func AwaitVerdicts(t *testing.T, o *Oracle) {
	t.Helper()
	WaitWithProgress(t, 0, o.WithoutVerdict, "records wait for their verdict")
}

// AssertEachOnce checks that everything appended was delivered exactly once, and that the checkpoints are at the end.
func AssertEachOnce(t *testing.T, o *Oracle, state StoredState) {
	t.Helper()
	checker := &StateChecker{State: state, Oracle: o}
	require.NoError(t, checker.Check(t.Context()))
	AssertNoErrors(t, o)
	count := o.Counts()
	assert.Equal(t, count.Appended, count.Delivered, "delivered of those appended")
	assert.Zero(t, count.Redelivered, "redelivered")
	assert.Zero(t, o.OpenHubEvents(), "hub events that the checkpoints have not passed")
}
