package sdklog

import (
	"regexp"
	"sync"
	"sync/atomic"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

// openLinks holds the watches of this process. The SDK opens a link when it wants to, also a second time by itself, and
// says so in its log only.
var openLinks = linkWatches{byPartition: map[string]map[*LinkWatch]struct{}{}}

// linkWatches holds the watches by partition.
type linkWatches struct {
	mu          sync.Mutex
	byPartition map[string]map[*LinkWatch]struct{}
}

// LinkWatch is told of each link that is opened to a partition. The SDK's log names the partition, but no reader. Where
// several read partitions of one name, as only tests do, a watch cannot know whose link was opened after its first one,
// and counts no more.
type LinkWatch struct {
	partition string
	attached  func()
	opened    atomic.Int64
}

// WatchLinks begins to watch the links that are opened to a partition, and calls attached for each. Forget ends it.
func WatchLinks(partition string, attached func()) *LinkWatch {
	watch := &LinkWatch{partition: partition, attached: attached}
	openLinks.mu.Lock()
	defer openLinks.mu.Unlock()
	if openLinks.byPartition[partition] == nil {
		openLinks.byPartition[partition] = map[*LinkWatch]struct{}{}
	}
	openLinks.byPartition[partition][watch] = struct{}{}
	return watch
}

// Opened returns how many links were opened since the watch began.
func (w *LinkWatch) Opened() int64 { return w.opened.Load() }

// Forget ends the watch.
func (w *LinkWatch) Forget() {
	openLinks.mu.Lock()
	defer openLinks.mu.Unlock()
	delete(openLinks.byPartition[w.partition], w)
}

// linkOpened matches what azeventhubs logs once the service has accepted a link (internal/links.go).
var linkOpened = regexp.MustCompile(`created link for partition ID '([^']*)'`)

// note looks for an opened link in a message of Azure's log.
func (w *linkWatches) note(event azlog.Event, message string) {
	if event != azeventhubs.EventConn {
		return
	}
	found := linkOpened.FindStringSubmatch(message)
	if found == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	watches := w.byPartition[found[1]]
	for watch := range watches {
		if len(watches) == 1 || watch.opened.Load() == 0 {
			watch.opened.Add(1)
		}
		watch.attached()
	}
}
