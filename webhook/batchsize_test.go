package webhook

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder/audit"
)

func TestBatchesFollowTheSinksAnswers(t *testing.T) {
	const full = -1 // as many as there may be
	quick, usual, busy := 49*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond
	late, slow := 10*time.Second, 10001*time.Millisecond
	type answer struct {
		events int
		took   time.Duration
	}
	tests := map[string]struct {
		most    int
		answers []answer
		want    int
	}{
		"at first":                         {400, nil, 32},
		"at first where fewer are allowed": {10, nil, 10},
		"a quick answer to a full batch":   {400, []answer{{full, quick}}, 64},
		"up to the most":                   {400, []answer{{full, quick}, {full, quick}, {full, quick}, {full, quick}, {full, quick}}, 400},
		"a quick answer to a small batch":  {400, []answer{{31, quick}}, 32},
		"an answer that is neither":        {400, []answer{{full, usual}, {full, busy}}, 32},
		"a late answer":                    {400, []answer{{full, quick}, {full, quick}, {full, late}}, 64},
		"late answers to small batches":    {400, []answer{{full, late}, {full, late}, {full, slow}, {full, late}}, 16},
		"late answers down to the first":   {400, []answer{{full, quick}, {full, late}, {full, late}}, 32},
		"a slow answer":                    {400, []answer{{full, slow}}, 16},
		"a slow answer to a small batch":   {400, []answer{{1, slow}}, 16},
		"down to one": {
			400, []answer{{full, slow}, {full, slow}, {full, slow}, {full, slow}, {full, slow}, {full, slow}}, 1,
		},
		"up again":             {400, []answer{{full, slow}, {full, slow}, {full, quick}}, 16},
		"each alone, for ever": {1, []answer{{full, quick}, {full, slow}}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			size := newBatchSize(test.most, 1<<20)
			for _, a := range test.answers {
				if a.events == full {
					a.events = size.events
				}
				size.answered(a.events, a.took)
			}
			assert.Equal(t, test.want, size.events)
			assert.Equal(t, 1<<20, size.bytes)
		})
	}
}

func TestABodyThatWasTooLargeIsNotTriedAgain(t *testing.T) {
	size := newBatchSize(400, 1<<20)
	size.tooLarge(500_000)
	assert.Equal(t, 16, size.events)
	assert.Equal(t, 250_000, size.bytes)
	size.tooLarge(900_000) // a single event that went alone
	assert.Equal(t, 250_000, size.bytes)
	size.answered(8, time.Millisecond)
	assert.Equal(t, 16, size.events, "it takes quick answers to grow again")
}

func TestABatchHoldsWhatFits(t *testing.T) {
	envelope := len(listHead) + len(listTail)
	tests := map[string]struct {
		sizes  []int
		events int
		bytes  int
		want   int
	}{
		"all":                           {[]int{10, 10}, 400, 1 << 20, 2},
		"so many events":                {[]int{10, 10, 10}, 2, 1 << 20, 2},
		"one event":                     {[]int{10, 10, 10}, 1, 1 << 20, 1},
		"so many bytes, to the byte":    {[]int{10, 10, 10}, 400, envelope + 21, 2},
		"a byte too many":               {[]int{10, 10, 10}, 400, envelope + 20, 1},
		"too large for any batch":       {[]int{5000, 10}, 400, 1024, 1},
		"what follows is too large":     {[]int{10, 5000}, 400, 1024, 1},
		"the last one and nothing more": {[]int{10}, 400, 1024, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var all []audit.Event
			for _, size := range test.sizes {
				all = append(all, audit.Event{JSON: make([]byte, size)})
			}
			size := batchSize{most: 400, events: test.events, bytes: test.bytes}
			n := size.fitting(all)
			assert.Equal(t, test.want, n)
			if n > 1 {
				assert.LessOrEqual(t, len(newRequest(all[:n], true).body.bytes()), test.bytes, "as it is really built")
			}
		})
	}
}
