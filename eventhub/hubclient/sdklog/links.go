package sdklog

import (
	"regexp"
	"sync"
	"sync/atomic"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

// openLinks holds the watches of this process. The SDK may open a link again by itself, and reports an opened link
// only in its log.
var openLinks = linkWatches{byPartition: map[string]map[*LinkWatch]struct{}{}}

// linkWatches holds the watches by partition.
type linkWatches struct {
	mu          sync.Mutex
	byPartition map[string]map[*LinkWatch]struct{}
}

// LinkWatch counts the links that are opened to a partition. The SDK's log names the partition, but not the reader.
// If several readers watch partitions of the same name, as only tests do, a watch counts just its first link, because
// it cannot know whose links the later ones are.
type LinkWatch struct {
	partition string
	attached  func()
	opened    atomic.Int64
}

// WatchLinks starts to watch the links that are opened to a partition, and calls attached for each. Forget ends the
// watch.
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

// linkOpened matches the message that azeventhubs logs after the service has accepted a link (internal/links.go).
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
