package harness

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// flushID is the start of the auditIDs of Flush. No partition has such a high number.
const flushID = "ffffffff-0000-4000-8000-"

// Flush waits until the last Falco has processed everything that it has accepted so far. It posts an audit event of
// its own and waits until Falco has processed that, because Falco's queue keeps the order.
func (f *FalcoProcesses) Flush(t *testing.T) {
	t.Helper()
	f.flushed++
	id := fmt.Sprintf("%s%012d", flushID, f.flushed)
	event := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"` + id + `","stage":"ResponseComplete","stageTimestamp":"2026-01-02T03:04:05.678901Z"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.last.URL, strings.NewReader(event))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := HTTPClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	file := f.files[len(f.files)-1]
	AwaitCount(t, 1, func() int { return bytes.Count(f.read(t, file), []byte(id)) }, "audit events of the test have not been used by Falco")
}

// AwaitUsedByLast waits until the last Falco has processed this many audit events, including repeats.
func (f *FalcoProcesses) AwaitUsedByLast(t *testing.T, n int) {
	t.Helper()
	AwaitCount(t, n, func() int { return f.countUsedByLast(t) }, "audit events have not been used by the last Falco")
}

// countUsedByLast returns how many audit events the last Falco has processed, including repeats. If the file has only
// auditIDs, its size is enough, and it is not read.
func (f *FalcoProcesses) countUsedByLast(t *testing.T) int {
	t.Helper()
	file := f.files[len(f.files)-1]
	if f.OnlyIDs {
		info, err := os.Stat(file)
		require.NoError(t, err)
		return int(info.Size()) / (idLength + 1)
	}
	return bytes.Count(f.read(t, file), []byte("\n"))
}

func (f *FalcoProcesses) read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return content
}

// Tally has the outcomes of audit events.
type Tally struct {
	// Used is how many audit events were processed, including repeats. Missing is how many appended ones were not.
	Used, Missing int
	// Repeats is how many audit events each Falco processed that had been processed before.
	Repeats []int
}

// Repeated returns the sum of the repeats.
func (c Tally) Repeated() int {
	sum := 0
	for _, n := range c.Repeats {
		sum += n
	}
	return sum
}

// Count returns the outcomes of audit events if only their auditIDs were written. appended is the number of audit
// events of each partition. Count fails the test if the first occurrences are not in order.
func (f *FalcoProcesses) Count(t *testing.T, appended map[string]int) Tally {
	t.Helper()
	c, seen := Tally{}, map[string][]bool{}
	highest := map[string]int{}
	for partition, n := range appended {
		c.Missing += n
		seen[partition] = make([]bool, n)
	}
	for _, file := range f.files {
		repeats := 0
		for _, id := range usedIn(t, file) {
			c.Used++
			partition, number, err := ReadAuditID(id)
			if err != nil || number >= appended[partition] {
				require.Failf(t, "not appended", "Falco used %q", id)
			}
			if seen[partition][number] {
				repeats++
				continue
			}
			seen[partition][number] = true
			c.Missing--
			if number < highest[partition] {
				assert.Failf(t, "not in order", "partition %s: %d was used first after %d", partition, number, highest[partition])
			}
			highest[partition] = number
		}
		c.Repeats = append(c.Repeats, repeats)
	}
	return c
}
