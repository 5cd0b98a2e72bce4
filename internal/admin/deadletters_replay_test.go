package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// memoryLetters holds objects with dead letters by name. One without a reason cannot be read.
type memoryLetters struct {
	letters map[string][]eventhub.DeadLetter
	// storedAgain are the names of those that are stored again while they are replayed.
	storedAgain map[string]bool
}

func lettersOf(letters ...eventhub.DeadLetter) *memoryLetters {
	m := &memoryLetters{letters: map[string][]eventhub.DeadLetter{}}
	for _, letter := range letters {
		letter.Partition = "0"
		m.letters[letter.Name()] = []eventhub.DeadLetter{letter}
	}
	return m
}

// gather stores dead letters as one object, and returns its name.
func (m *memoryLetters) gather(t *testing.T, letters ...eventhub.DeadLetter) string {
	t.Helper()
	for i := range letters {
		letters[i].Partition = "0"
	}
	name, _, err := eventhub.EncodeDeadLetters(letters)
	require.NoError(t, err)
	m.letters[name] = letters
	return name
}

func (m *memoryLetters) ListDeadLetters(context.Context) ([]string, error) {
	names := slices.Collect(maps.Keys(m.letters))
	eventhub.SortDeadLetters(names)
	return append(names, "9/gone.json"), nil
}

func (m *memoryLetters) ReadDeadLetters(_ context.Context, name string) (letters []eventhub.DeadLetter, version string, err error) {
	letters, known := m.letters[name]
	switch {
	case !known:
		return nil, "", eventhub.ErrNotFound
	case letters[0].Reason == "":
		return nil, "", eventhub.ErrNotDeadLetter
	}
	return letters, "v", nil
}

func (m *memoryLetters) DeleteDeadLetters(_ context.Context, name, _ string) error {
	if m.storedAgain[name] {
		return eventhub.ErrConflict
	}
	delete(m.letters, name)
	return nil
}

func (m *memoryLetters) StoreDeadLetters(_ context.Context, letters []eventhub.DeadLetter) error {
	name, _, err := eventhub.EncodeDeadLetters(letters)
	m.letters[name] = letters
	return err
}

// names returns the names of those that are still there.
func (m *memoryLetters) names() []string { return slices.Sorted(maps.Keys(m.letters)) }

// replaySink records what it gets, and answers as the test wants.
type replaySink struct {
	got         []audit.Event
	outcomes    map[string]audit.Outcome // by audit id
	failure     error
	unconfirmed error
	confirmed   []int // how many had been posted each time
}

func (s *replaySink) Post(_ context.Context, event audit.Event) (audit.Outcome, error) {
	s.got = append(s.got, event)
	if outcome, known := s.outcomes[event.AuditID]; known {
		return outcome, s.failure
	}
	return audit.Outcome{Verdict: audit.Delivered}, s.failure
}

func (s *replaySink) Confirm(context.Context) error {
	s.confirmed = append(s.confirmed, len(s.got))
	return s.unconfirmed
}

func (s *replaySink) auditIDs() (ids []string) {
	for _, event := range s.got {
		ids = append(ids, event.AuditID)
	}
	return ids
}

func letterOf(sequence int64, reason, content string) eventhub.DeadLetter {
	return eventhub.DeadLetter{Sequence: sequence, Reason: reason, Content: []byte(content)}
}

// replayed runs a replay and returns the lines that it printed, without the padding.
func replayed(t *testing.T, letters *memoryLetters, sink *replaySink, options ReplayOptions) (lines []string, err error) {
	t.Helper()
	var out bytes.Buffer
	options.MaxEventSize = 2000
	err = replayAll(t.Context(), letters, sink, options, &out)
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines, err
}

func TestReplayDeletesOnlyWhatTheSinkAccepted(t *testing.T) {
	letters := lettersOf(
		letterOf(1, "refused", eventhubtest.Audit("good")+"\n"), letterOf(2, "refused", eventhubtest.Audit("bad")), letterOf(3, "not_json", `{"kind":"Event","cut`),
		letterOf(4, "unreadable", ""), letterOf(5, "", ""), letterOf(6, "no_stage_timestamp", `{"kind":"Event"}`), letterOf(10, "refused", eventhubtest.Audit("last")),
	)
	sink := &replaySink{outcomes: map[string]audit.Outcome{"bad": {Verdict: audit.DeadLettered, Reason: "400 Bad Request"}}}
	lines, err := replayed(t, letters, sink, ReplayOptions{})
	require.ErrorIs(t, err, errKept)
	assert.Equal(t, []string{"good", "bad", "last"}, sink.auditIDs())
	assert.Equal(t, eventhubtest.Audit("good"), string(sink.got[0].JSON))
	assert.Equal(t, []string{
		"0/1-0.json sent refused", "0/2-0.json refused 400 Bad Request", "0/3-0.json unusable not_json", "0/4-0.json unusable empty",
		"0/5-0.json unreadable it is no dead letter", "0/6-0.json unusable no_stage_timestamp", "0/10-0.json sent refused",
		"2 sent, 2 of them deleted, 5 kept",
	}, lines)
	assert.Equal(t, []string{"0/2-0.json", "0/3-0.json", "0/4-0.json", "0/5-0.json", "0/6-0.json"}, letters.names())
}

func TestReplayWithAReasonLeavesTheOthers(t *testing.T) {
	letters := lettersOf(letterOf(1, "refused", eventhubtest.Audit("a")), letterOf(2, "too_large", eventhubtest.Audit("b")))
	sink := &replaySink{}
	_, err := replayed(t, letters, sink, ReplayOptions{Reason: "refused"})
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, sink.auditIDs())
	assert.Equal(t, []string{"0/2-0.json"}, letters.names())
}

func TestADryRunPostsAndDeletesNothing(t *testing.T) {
	letters := lettersOf(letterOf(1, "refused", eventhubtest.Audit("a")))
	sink := &replaySink{}
	lines, err := replayed(t, letters, sink, ReplayOptions{DryRun: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"0/1-0.json would send refused", "1 would be sent, 0 kept"}, lines)
	assert.Empty(t, sink.got)
	assert.Len(t, letters.names(), 1)
}

func TestWhatFalcoCannotUseIsPostedOnlyByForce(t *testing.T) {
	letters := lettersOf(letterOf(1, "not_json", `{"auditID":"a","cut`), letterOf(2, "unreadable", " "))
	sink := &replaySink{}
	_, err := replayed(t, letters, sink, ReplayOptions{Force: true})
	require.ErrorIs(t, err, errKept)
	assert.Equal(t, []string{"a"}, sink.auditIDs())
	assert.Equal(t, []string{"0/2-0.json"}, letters.names(), "there is nothing to post")
}

// The sink got the event without its request. If it accepts larger events now, it gets the whole event.
func TestTheOriginalOfATruncatedEventIsPostedOnceItFits(t *testing.T) {
	large := strings.TrimSuffix(eventhubtest.Audit("a"), "}") + `,"requestObject":{"a":"` + strings.Repeat("x", 2000) + `"}}`
	letters := lettersOf(letterOf(1, "too_large", large))
	sink := &replaySink{}
	lines, err := replayed(t, letters, sink, ReplayOptions{})
	require.ErrorIs(t, err, errKept)
	assert.Equal(t, "0/1-0.json unusable too_large", lines[0])
	require.NoError(t, replayAll(t.Context(), letters, sink, ReplayOptions{MaxEventSize: 3000}, &bytes.Buffer{}))
	require.Len(t, sink.got, 1)
	assert.Equal(t, large, string(sink.got[0].JSON))
	assert.Empty(t, letters.names())
}

func TestASinkThatAcceptsNothingEndsTheReplay(t *testing.T) {
	letters := lettersOf(letterOf(1, "refused", eventhubtest.Audit("a")), letterOf(2, "refused", eventhubtest.Audit("b")), letterOf(3, "refused", eventhubtest.Audit("c")))
	sink := &replaySink{outcomes: map[string]audit.Outcome{"b": {Verdict: audit.Dropped, Reason: "503 after 6 attempts"}}}
	lines, err := replayed(t, letters, sink, ReplayOptions{})
	require.ErrorContains(t, err, "send dead letter 0/2-0.json: the sink does not take it: 503 after 6 attempts")
	assert.Equal(t, []string{"a", "b"}, sink.auditIDs())
	assert.Equal(t, []string{"0/2-0.json", "0/3-0.json"}, letters.names(), "what was accepted before is deleted")
	assert.Contains(t, lines, "1 sent, 1 of them deleted, 0 kept")
}

func TestLettersAreDeletedOnlyAfterTheSinkHasConfirmed(t *testing.T) {
	letters := lettersOf(letterOf(1, "refused", eventhubtest.Audit("a")))
	sink := &replaySink{unconfirmed: errors.New("the connection was lost")}
	lines, err := replayed(t, letters, sink, ReplayOptions{})
	require.ErrorContains(t, err, "1 dead letters were sent but not deleted: the connection was lost")
	assert.Len(t, letters.names(), 1)
	assert.Contains(t, lines, "1 sent, 0 of them deleted, 0 kept")
}

func TestManyLettersAreReplayedInOrderAndDeletedInBetween(t *testing.T) {
	const many = 2*confirmEvery + 5
	letters := lettersOf()
	var want []string
	for n := range int64(many) {
		letter := letterOf(n, "refused", eventhubtest.Audit(fmt.Sprint(n)))
		letter.Partition = "0"
		letters.letters[letter.Name()] = []eventhub.DeadLetter{letter}
		want = append(want, fmt.Sprint(n))
	}
	sink := &replaySink{}
	_, err := replayed(t, letters, sink, ReplayOptions{})
	require.NoError(t, err)
	assert.Equal(t, want, sink.auditIDs(), "9 before 10")
	assert.Equal(t, []int{confirmEvery, 2 * confirmEvery, many}, sink.confirmed)
	assert.Empty(t, letters.names())
}

func TestALetterThatIsStoredAgainMeanwhileIsKept(t *testing.T) {
	letters := lettersOf(letterOf(1, "refused", eventhubtest.Audit("a")))
	letters.storedAgain = map[string]bool{"0/1-0.json": true}
	_, err := replayed(t, letters, &replaySink{}, ReplayOptions{})
	require.ErrorIs(t, err, errKept)
	assert.Len(t, letters.names(), 1)
}

func TestAReplayThatIsInterruptedKeepsTheRest(t *testing.T) {
	letters := lettersOf(letterOf(1, "refused", eventhubtest.Audit("a")), letterOf(2, "refused", eventhubtest.Audit("b")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sink := &replaySink{}
	err := replayAll(ctx, letters, sink, ReplayOptions{}, &bytes.Buffer{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, sink.got)
	assert.Len(t, letters.names(), 2)
}

func TestGatheredDeadLettersAreReplayedAndThoseThatAreKeptStayGathered(t *testing.T) {
	letters := lettersOf(letterOf(1, "refused", eventhubtest.Audit("first")))
	some := letters.gather(t, letterOf(2, "refused", eventhubtest.Audit("a")), letterOf(3, "cut", `{"kind":"Event","cut`),
		letterOf(4, "refused", eventhubtest.Audit("b")), letterOf(5, "cut", `{"kind":"Event","cut, too`))
	all := letters.gather(t, letterOf(6, "refused", eventhubtest.Audit("c")), letterOf(7, "refused", eventhubtest.Audit("d")))
	sink := &replaySink{}
	lines, err := replayed(t, letters, sink, ReplayOptions{})
	require.ErrorIs(t, err, errKept)
	assert.Equal(t, []string{"first", "a", "b", "c", "d"}, sink.auditIDs())
	assert.Contains(t, lines, some+":1 sent refused")
	assert.Contains(t, lines, some+":2 unusable not_json")
	assert.Contains(t, lines, "5 sent, 5 of them deleted, 2 kept")
	require.Len(t, letters.names(), 1)
	assert.NotContains(t, letters.names(), all)
	kept := letters.letters[letters.names()[0]]
	require.Len(t, kept, 2)
	assert.Equal(t, []int64{3, 5}, []int64{kept[0].Sequence, kept[1].Sequence})

	_, err = replayed(t, letters, sink, ReplayOptions{})
	require.ErrorIs(t, err, errKept)
	assert.Len(t, sink.auditIDs(), 5, "nothing is sent twice")
}

func TestAReplayThatEndsWithinGatheredDeadLettersKeepsTheRestOfThem(t *testing.T) {
	letters := lettersOf()
	letters.gather(t, letterOf(2, "refused", eventhubtest.Audit("a")), letterOf(3, "refused", eventhubtest.Audit("b")), letterOf(4, "refused", eventhubtest.Audit("c")))
	sink := &replaySink{outcomes: map[string]audit.Outcome{"b": {Verdict: audit.Dropped, Reason: "503"}}}
	_, err := replayed(t, letters, sink, ReplayOptions{})
	require.ErrorContains(t, err, "the sink does not take it: 503")
	require.Len(t, letters.names(), 1)
	assert.Len(t, letters.letters[letters.names()[0]], 2)
}
