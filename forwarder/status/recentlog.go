package status

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/maruel/natural"
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

const (
	// maxEntries is how many different warnings and errors are kept.
	maxEntries = 20
	// maxText bounds the message of an entry, and its cause, in bytes.
	maxText = 400
)

// RecentLog keeps the last warnings and errors of the log for the status page. It is a hook of the logger. It keeps
// only the fields that say where and why. Other fields may name users and objects of the cluster, and the page has
// more readers than the log.
type RecentLog struct {
	mu sync.Mutex
	// entries has the newest first.
	entries []LogEntry
}

// LogEntry is a warning or an error, and how often it was logged.
type LogEntry struct {
	At    time.Time `json:"at"`
	First time.Time `json:"first"`
	// Level is the log level, as LOGLEVEL spells it: warn, error, …
	Level   string `json:"level"`
	Message string `json:"message"`
	// Cause is the entry's error or reason, or empty.
	Cause string `json:"cause,omitempty"`
	// Partitions are the partitions of the entry, in the order of their numbers.
	Partitions []string `json:"partitions,omitempty"`
	Count      int      `json:"count"`
}

var _ logrus.Hook = (*RecentLog)(nil)

// NewRecentLog returns an empty RecentLog. Pass it to logrus.Logger.AddHook.
func NewRecentLog() *RecentLog { return &RecentLog{} }

// Levels implements logrus.Hook.
func (l *RecentLog) Levels() []logrus.Level {
	return []logrus.Level{logrus.PanicLevel, logrus.FatalLevel, logrus.ErrorLevel, logrus.WarnLevel}
}

// Fire implements logrus.Hook. Entries that differ only in time and partition become one LogEntry.
func (l *RecentLog) Fire(entry *logrus.Entry) error {
	added := LogEntry{
		At: entry.Time.UTC(), First: entry.Time.UTC(), Level: forwarder.LevelName(entry.Level),
		Message: shortened(entry.Message), Cause: causeOf(entry), Count: 1,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known := slices.IndexFunc(l.entries, func(other LogEntry) bool {
		return other.Level == added.Level && other.Message == added.Message && other.Cause == added.Cause
	})
	if known >= 0 {
		added.First = l.entries[known].First
		added.Count += l.entries[known].Count
		added.Partitions = l.entries[known].Partitions
		l.entries = slices.Delete(l.entries, known, known+1)
	}
	added.Partitions = withPartition(added.Partitions, entry)
	l.entries = slices.Insert(l.entries, 0, added)
	l.entries = l.entries[:min(len(l.entries), maxEntries)]
	return nil
}

// Entries returns the last warnings and errors, the newest first.
func (l *RecentLog) Entries() []LogEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// causeOf returns the error of an entry or else its reason, shortened.
func causeOf(entry *logrus.Entry) string {
	for _, field := range []string{logrus.ErrorKey, "reason"} {
		if cause, ok := entry.Data[field]; ok && cause != nil {
			return shortened(fmt.Sprint(cause))
		}
	}
	return ""
}

// withPartition returns the partitions, with the entry's partition added, in the order of their numbers. It never
// changes its argument, because Entries has returned the same slice.
func withPartition(partitions []string, entry *logrus.Entry) []string {
	partition, ok := entry.Data["partition"].(string)
	if !ok || slices.Contains(partitions, partition) {
		return partitions
	}
	all := append(slices.Clone(partitions), partition)
	slices.SortFunc(all, natural.Compare)
	return all
}

func shortened(text string) string {
	if len(text) <= maxText {
		return text
	}
	return text[:maxText] + "…"
}
