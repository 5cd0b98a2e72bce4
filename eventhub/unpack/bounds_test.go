package unpack

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// unpackBody returns the records of a decoded body, nil if it has too many values.
func (u *Unpacker) unpackBody(body []byte) []Record {
	records, _ := u.readBody(context.Background(), body, time.Time{}) // no test waits for its turn here
	return records
}

// ones returns an array of so many values, including itself.
func ones(values int) string { return "[" + strings.Repeat("1,", values-1) + "1]" }

// withOnes returns an audit event with so many more values.
func withOnes(key string, values int) string {
	return strings.Replace(eventhubtest.Audit("a"), `"verb"`, `"`+key+`":`+ones(values)+`,"verb"`, 1)
}

// valuesOfAudit is how many values an event of eventhubtest.Audit has.
var valuesOfAudit = strings.Count(eventhubtest.Audit(""), ",") + strings.Count(eventhubtest.Audit(""), "{")

// allocated returns how many bytes a function allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// These inputs once took 10 GB, 630 MB and 234 MB.
func TestABodyOfTooManyValuesCostsLittle(t *testing.T) {
	const mib = 1 << 20
	bomb := eventhubtest.Gzipped(t, []byte(ones(8*mib-1)))
	require.Len(t, bomb, 16_341)
	for name, test := range map[string]struct {
		event eventhub.Event
		want  string
		most  int
	}{
		"a gzip bomb":                     {eventhub.Event{Body: bomb, Encoding: "gzip"}, "dead:too_many_values", 1 * mib},
		"1 MB of [1,1,…]":                 {eventhub.Event{Body: []byte(ones(500_000))}, "dead:too_many_values", 2 * mib},
		"500,000 numbers in an event":     {eventhub.Event{Body: eventhubtest.KubeAudit(withOnes("requestObject", 500_000))}, "truncated:a:too_many_values", 20 * mib},
		"500,000 numbers without a place": {eventhub.Event{Body: eventhubtest.KubeAudit(withOnes("requestURI", 500_000))}, "dead:too_many_values", 20 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			event := test.event
			event.Body = bytes.Clone(event.Body)
			u, records, detail := testUnpacker(), []Record(nil), ""
			got := allocated(func() {
				var err error
				records, detail, _, err = u.Unpack(t.Context(), event)
				require.NoError(t, err)
			})
			require.Len(t, records, 1)
			assert.Equal(t, test.want, summary(records[0]))
			t.Logf("%d bytes allocated for %d", got, len(test.event.Body))
			assert.Less(t, got, test.most)
			if records[0].Category == "" {
				assert.Equal(t, test.event.Body, records[0].Content, "the dead letter is the body as it stood")
				assert.Equal(t, "more than 20000 records or 100000 values are not read", detail)
			}
		})
	}
}

func TestTheBoundsOfABodyAndOfALog(t *testing.T) {
	inString := func(values int) []byte {
		return eventhubtest.HubBody(`{"category":"kube-audit","properties":` + jsonString(ones(values)) + `}`)
	}
	skipped := func(records int) []byte {
		return eventhubtest.HubBody(strings.Repeat(`{"category":"guard"},`, records-1) + `{"category":"guard"}`)
	}
	for name, test := range map[string]struct {
		body []byte
		want []string
	}{
		"a log of 100,000 values":        {eventhubtest.KubeAudit(withOnes("annotations", maxValues-valuesOfAudit-1)), []string{"audit:a"}},
		"a log of 100,001":               {eventhubtest.KubeAudit(withOnes("annotations", maxValues-valuesOfAudit)), []string{"dead:too_many_values"}},
		"100,001 that can be left out":   {eventhubtest.KubeAudit(withOnes("responseObject", maxValues-valuesOfAudit)), []string{"truncated:a:too_many_values"}},
		"beside a good one":              {eventhubtest.KubeAudit(withOnes("annotations", maxValues), eventhubtest.Audit("b")), []string{"dead:too_many_values", "audit:b"}},
		"of no category":                 {eventhubtest.HubBody(eventhubtest.Uncategorised(withOnes("annotations", maxValues))), []string{"dead:too_many_values"}},
		"100,001 values in properties":   {inString(maxValues + 1), []string{"dead:too_many_values"}},
		"a body of 100,000 values":       {[]byte(`{"a":` + ones(maxValues-1) + `}`), []string{"skipped:"}},
		"of 100,001":                     {[]byte(`{"a":` + ones(maxValues) + `}`), []string{"whole body"}},
		"of 100,001, with records":       {[]byte(`{"a":` + ones(maxValues-2) + `,"records":[]}`), []string{"whole body"}},
		"of 100,000, with records":       {[]byte(`{"a":` + ones(maxValues-3) + `,"records":[]}`), nil},
		"of 100,001 in a string":         {[]byte(`{"a":` + jsonString(ones(maxValues)) + `}`), []string{"skipped:"}},
		"20,001 records of another kind": {skipped(maxRecords + 1), []string{"whole body"}},
		"20,001 numbers":                 {[]byte(ones(maxRecords + 1)), []string{"whole body"}},
	} {
		t.Run(name, func(t *testing.T) {
			records, err := testUnpacker().readBody(t.Context(), bytes.Clone(test.body), time.Time{})
			if err != nil {
				require.ErrorIs(t, err, errTooManyValues)
				assert.Equal(t, []string{"whole body"}, test.want)
				return
			}
			var got []string
			for _, record := range records {
				got = append(got, summary(record))
			}
			assert.Equal(t, test.want, got)
		})
	}
	assert.Len(t, testUnpacker().unpackBody(skipped(maxRecords)), maxRecords)
	assert.Len(t, testUnpacker().unpackBody([]byte(ones(maxRecords))), maxRecords)
}

func TestABodyBeyondTheSizeOfAHubEventIsKeptAsItCame(t *testing.T) {
	packed := eventhubtest.Gzipped(t, []byte(`{"category":"kube-audit" oops `+strings.Repeat("x", 2<<20)))
	records, detail, release, err := testUnpacker().Unpack(t.Context(), eventhub.Event{Body: packed, Encoding: "gzip"})
	require.NoError(t, err)
	require.Nil(t, release)
	require.Len(t, records, 1)
	assert.Equal(t, "dead:not_json", summary(records[0]))
	assert.Equal(t, packed, records[0].Content)
	assert.Contains(t, detail, "in gzip")
}

// largeBody returns a body that the fast path leaves to the parser, with one good record.
func largeBody() []byte {
	return []byte(`[` + strings.Repeat(" ", largeSize) + eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")) + `]`)
}

// largeUnpacked returns a hub event of gzip that is larger unpacked than a hub event may be, with one good record.
func largeUnpacked(t *testing.T) eventhub.Event {
	t.Helper()
	return eventhub.Event{Encoding: "gzip", Body: eventhubtest.Gzipped(t,
		eventhubtest.KubeAudit(eventhubtest.Audit("a")), bytes.Repeat([]byte(" "), usualSize))}
}

func TestOneLargeBodyAtATimeIsUnpackedAndParsed(t *testing.T) {
	for name, test := range map[string]struct {
		event eventhub.Event
		of    turns
	}{
		"large for the parser": {eventhub.Event{Body: largeBody()}, parsing},
		"large, unpacked":      {largeUnpacked(t), unpacking},
		"of many values":       {eventhub.Event{Body: []byte(`{"category":"guard","a":` + ones(largeValues) + `}`)}, parsing},
	} {
		t.Run(name, func(t *testing.T) {
			var other turn
			require.NoError(t, other.take(t.Context(), test.of))
			ctx, cancel := context.WithCancelCause(t.Context())
			over := errors.New("the session is over")
			cancel(over)
			event := test.event
			event.Body = bytes.Clone(event.Body)
			records, _, release, err := testUnpacker().Unpack(ctx, event)
			require.ErrorIs(t, err, over)
			assert.Empty(t, records)
			assert.Nil(t, release)

			unpacked := make(chan []Record)
			go func() {
				records, _, release, _ := testUnpacker().Unpack(t.Context(), test.event)
				if release != nil {
					release()
				}
				unpacked <- records
			}()
			usual, _, _, err := testUnpacker().Unpack(t.Context(), eventhub.Event{Body: eventhubtest.KubeAudit(eventhubtest.Audit("b"))})
			require.NoError(t, err)
			assert.Len(t, usual, 1, "a usual body waits for nothing")
			select {
			case <-unpacked:
				assert.Fail(t, "it did not wait")
			default:
			}
			other.giveBack()
			assert.Len(t, <-unpacked, 1)
			assert.Empty(t, test.of)
		})
	}
}

func TestALargeUnpackedBodyHasItsTurnUntilItIsReleased(t *testing.T) {
	records, detail, release, err := testUnpacker().Unpack(t.Context(), largeUnpacked(t))
	require.NoError(t, err)
	assert.Empty(t, detail)
	assert.Equal(t, "audit:a", summary(records[0]))
	assert.Len(t, unpacking, 1)
	release()
	assert.Empty(t, unpacking)
}

func TestManyLargeBodiesAtOnceAreAllParsed(t *testing.T) {
	const partitions = 32
	done := make(chan string)
	for range partitions {
		go func() {
			records, _, _, _ := testUnpacker().Unpack(t.Context(), eventhub.Event{Body: largeBody()})
			done <- summary(records[0])
		}()
	}
	for range partitions {
		assert.Equal(t, "audit:a", <-done)
	}
}

// Fastjson makes an error message at each level, with those of all levels below.
func TestADeepBrokenTextCostsLittle(t *testing.T) {
	for name, log := range map[string]string{
		"arrays":    strings.Repeat("[", 250) + "x" + strings.Repeat("]", 250),
		"objects":   strings.Repeat(`{"a":`, 250) + "x" + strings.Repeat("}", 250),
		"a minus":   strings.Repeat("[", 250) + "-" + strings.Repeat("]", 250),
		"cut":       strings.Repeat("[", 250),
		"no number": strings.Repeat("[", 250) + "1x" + strings.Repeat("]", 250),
	} {
		t.Run(name, func(t *testing.T) {
			u := testUnpacker()
			got := allocated(func() { u.unpackBody(eventhubtest.KubeAudit(log)) })
			assert.Less(t, got, 64<<10)
			assert.Equal(t, "dead:not_json", summary(testUnpacker().unpackBody(eventhubtest.KubeAudit(log))[0]))
			body := allocated(func() { u.unpackBody([]byte(log)) })
			assert.Less(t, body, 64<<10)
		})
	}
	records := testUnpacker().unpackBody(eventhubtest.KubeAudit(eventhubtest.WithRequest(eventhubtest.Nested(250))))
	assert.Equal(t, audit.Verdict(""), records[0].Verdict)
}

// mustRead is read for a body within the bounds.
func (p *parser) mustRead(body []byte) []Record {
	records, err := p.read(body)
	if err != nil {
		panic(err)
	}
	return records
}
