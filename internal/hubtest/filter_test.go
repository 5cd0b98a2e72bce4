package hubtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest/wire"
)

func selectorFilter(descriptor any, expression any) wire.Map {
	return wire.Map{{Key: wire.Symbol(selectorKey), Value: wire.Described{Descriptor: descriptor, Value: expression}}}
}

func TestSelectors(t *testing.T) {
	for _, tc := range []struct {
		expression string
		want       start
		ok         bool
	}{
		{"amqp.annotation.x-opt-offset > '-1'", start{by: byOffset, value: -1}, true},
		{"amqp.annotation.x-opt-offset >= '123'", start{by: byOffset, value: 123, inclusive: true}, true},
		{"amqp.annotation.x-opt-offset > '@latest'", start{by: byEnd}, true},
		{"amqp.annotation.x-opt-sequence-number >'5'", start{by: bySequence, value: 5}, true},
		{"amqp.annotation.x-opt-enqueued-time > 1700000000000", start{by: byTime, value: 1700000000000}, true},
		{"amqp.annotation.x-opt-sequence-number > '@latest'", start{}, false},
		{"amqp.annotation.x-opt-offset > '1:1:16'", start{}, false},
		{"amqp.annotation.x-opt-offset > 'x'", start{}, false},
		{"amqp.annotation.x-opt-offset < '5'", start{}, false},
		{"amqp.annotation.x-opt-other > '5'", start{}, false},
		{"x-opt-offset > '5'", start{}, false},
		{"", start{}, false},
	} {
		t.Run(tc.expression, func(t *testing.T) {
			for _, descriptor := range []any{selectorCode, wire.Symbol(selectorKey)} {
				got, e := parseStart(selectorFilter(descriptor, tc.expression), false)
				if !tc.ok {
					require.NotNil(t, e)
					require.Equal(t, condArgumentError, e.Condition)
					continue
				}
				require.Nil(t, e)
				require.Equal(t, tc.want, got)
			}
		})
	}
}

func TestFiltersThatAreNoSelector(t *testing.T) {
	got, e := parseStart(nil, false)
	require.Nil(t, e)
	require.Equal(t, start{by: byOffset, value: -1}, got, "without a filter everything is read")
	for name, filter := range map[string]wire.Map{
		"not described":      {{Key: wire.Symbol(selectorKey), Value: "amqp.annotation.x-opt-offset > '-1'"}},
		"another descriptor": selectorFilter(uint64(5), "amqp.annotation.x-opt-offset > '-1'"),
		"no text":            selectorFilter(selectorCode, int64(5)),
	} {
		t.Run(name, func(t *testing.T) {
			_, e := parseStart(filter, false)
			require.NotNil(t, e)
			require.Equal(t, condArgumentError, e.Condition)
		})
	}
}
