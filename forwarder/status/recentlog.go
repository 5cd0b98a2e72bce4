package status

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/maruel/natural"
	"github.com/sirupsen/logrus"
)

const (
	// maxTroubles is how many different warnings and errors are kept.
	maxTroubles = 20
	// maxTroubleText bounds what each says of its cause, in bytes.
	maxTroubleText = 400
)

// Troubles keeps the last warnings and errors of the log, for the status page. It is a hook of
// the logger. Of an entry's fields it keeps only those that say where and why: a log has fewer
// readers than the page, and may name users and objects of the cluster.
type RecentLog struct {
	mu sync.Mutex
	// last has the newest first.
	last []LogEntry
}

// Trouble is a warning or an error, and how often it came.
type LogEntry struct {
	// At is when it came last, First when it came first.
	At    time.Time `json:"at"`
	First time.Time `json:"first"`
	// Level is that of the log: warning, error, …
	Level   string `json:"level"`
	Message string `json:"message"`
	// Cause is the entry's error or reason, possibly nothing.
	Cause string `json:"cause,omitempty"`
	// Partitions are those that it was about, in their order.
	Partitions []string `json:"partitions,omitempty"`
	Count      int      `json:"count"`
}

var _ logrus.Hook = (*RecentLog)(nil)

// NewTroubles returns an empty list; logrus.Logger.AddHook has it filled.
func NewRecentLog() *RecentLog { return &RecentLog{} }

// Levels implements logrus.Hook.
func (t *RecentLog) Levels() []logrus.Level {
	return []logrus.Level{logrus.PanicLevel, logrus.FatalLevel, logrus.ErrorLevel, logrus.WarnLevel}
}

// Fire implements logrus.Hook. What is alike but for its partition is one trouble.
func (t *RecentLog) Fire(entry *logrus.Entry) error {
	trouble := LogEntry{
		At: entry.Time.UTC(), First: entry.Time.UTC(), Level: entry.Level.String(),
		Message: shortened(entry.Message), Cause: causeOf(entry), Count: 1,
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := slices.IndexFunc(t.last, func(other LogEntry) bool {
		return other.Level == trouble.Level && other.Message == trouble.Message && other.Cause == trouble.Cause
	})
	if known >= 0 {
		trouble.First = t.last[known].First
		trouble.Count += t.last[known].Count
		trouble.Partitions = t.last[known].Partitions
		t.last = slices.Delete(t.last, known, known+1)
	}
	trouble.Partitions = withPartition(trouble.Partitions, entry)
	t.last = slices.Insert(t.last, 0, trouble)
	t.last = t.last[:min(len(t.last), maxTroubles)]
	return nil
}

// Last returns the last troubles, the newest first.
func (t *RecentLog) Last() []LogEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.last)
}

func causeOf(entry *logrus.Entry) string {
	for _, field := range []string{logrus.ErrorKey, "reason"} {
		if cause, ok := entry.Data[field]; ok && cause != nil {
			return shortened(fmt.Sprint(cause))
		}
	}
	return ""
}

// withPartition returns the partitions with that of the entry. It changes no slice that was
// handed out.
func withPartition(partitions []string, entry *logrus.Entry) []string {
	partition, ok := entry.Data["partition"].(string)
	if !ok || slices.Contains(partitions, partition) {
		return partitions
	}
	all := map[string]bool{partition: true}
	for _, p := range partitions {
		all[p] = true
	}
	return slices.SortedFunc(maps.Keys(all), natural.Compare)
}

func shortened(text string) string {
	if len(text) <= maxTroubleText {
		return text
	}
	return text[:maxTroubleText] + "…"
}
