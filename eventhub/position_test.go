package eventhub

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAPositionTellsWhatItHasPassedFromAnotherStream(t *testing.T) {
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	at := func(sequence int64, afterNoon time.Duration) Position {
		return Position{Sequence: sequence, Enqueued: noon.Add(afterNoon)}
	}
	last, unknown := at(5, 0), Position{Sequence: 5}
	for name, test := range map[string]struct {
		position, other   Position
		passed, different bool
	}{
		"the event itself":                               {last, at(5, 0), true, false},
		"an earlier one":                                 {last, at(3, -time.Second), true, false},
		"an earlier one of the same millisecond":         {last, at(4, 0), true, false},
		"an answer about the partition that is older":    {last, at(2, -time.Minute), true, false},
		"a partition that is empty":                      {last, Beginning(), true, false},
		"the next one":                                   {last, at(6, time.Millisecond), false, false},
		"the next one, by a clock that was set back":     {last, at(6, -time.Second), false, false},
		"the same number, later":                         {last, at(5, time.Millisecond), false, true},
		"a lower number, later":                          {last, at(0, time.Hour), false, true},
		"a lower number, and nobody knows when":          {last, Position{Sequence: 0}, true, false},
		"a lower number, and the last one's is unknown":  {unknown, at(0, time.Hour), true, false},
		"a higher number, and the last one's is unknown": {unknown, at(6, 0), false, false},
		"the first event of all":                         {Beginning(), at(0, 0), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.passed, test.position.Passed(test.other))
			assert.Equal(t, test.different, test.position.OtherStream(test.other))
		})
	}
}

func TestAPositionIsInWholeMillisecondsAsTheCheckpointIs(t *testing.T) {
	local := time.Date(2026, 1, 31, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))
	event := Event{Sequence: 7, Offset: "700", Enqueued: local}
	position := After(event)
	assert.Equal(t, Position{Sequence: 7, Offset: "700", Enqueued: time.Date(2026, 1, 31, 11, 0, 0, 123_000_000, time.UTC)}, position)
	assert.True(t, position.Names(event))
	assert.False(t, position.Names(Event{Sequence: 7, Enqueued: local.Add(time.Millisecond)}))
	assert.Zero(t, After(Event{Sequence: 7}).Enqueued)
}

func TestWhatWaitsBehindAPositionIsAllOfAnotherStream(t *testing.T) {
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	known := Position{Sequence: 99, Enqueued: noon}
	for name, test := range map[string]struct {
		position, newest Position
		first, want      int64
	}{
		"the newest":                      {known, Position{Sequence: 99, Enqueued: noon}, 0, 0},
		"seven more":                      {known, Position{Sequence: 106, Enqueued: noon.Add(time.Hour)}, 0, 7},
		"retention took five of them":     {known, Position{Sequence: 106, Enqueued: noon.Add(time.Hour)}, 105, 2},
		"nothing was ever there":          {Beginning(), Beginning(), 0, 0},
		"from the oldest":                 {Beginning(), Position{Sequence: 9}, 3, 7},
		"an older answer":                 {known, Position{Sequence: 50, Enqueued: noon.Add(-time.Hour)}, 0, 0},
		"a hub made anew":                 {known, Position{Sequence: 49, Enqueued: noon.Add(time.Hour)}, 0, 50},
		"a hub made anew, and its oldest": {known, Position{Sequence: 49, Enqueued: noon.Add(time.Hour)}, 40, 10},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, test.position.Waiting(test.newest, test.first))
		})
	}
}
