package gctune

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// heapPercent is how much garbage the heap may gather, as a percentage of the memory that the daemon keeps (6 to
	// 18 MiB before a backlog), up to mostGarbage. Go's default of 100 collects too often, and 300 needs more than 64
	// MiB (docs/decisions.md, "The garbage collector runs less often").
	heapPercent = 200
	// assumedLimit is the container's memory limit in bytes if none is known. Nine tenths of it are 180 MiB. 32
	// partitions can keep more than that in events of 1 MB, and the limit then bounds the garbage on top of it
	// (docs/configuration.md, "Memory").
	assumedLimit = 200 << 20
)

// Apply bounds how much garbage the heap gathers before a collection, unless GOGC is set. It also sets the soft memory
// limit to nine tenths of the container's limit, unless GOMEMLIMIT is set, because the kernel kills a process above
// the container's limit. It returns an error if AUTOMEMLIMIT or AUTOMEMLIMIT_EXPERIMENT, which automemlimit reads, is
// invalid.
func Apply() error { return apply(memlimit.FromCgroup) }

func apply(container memlimit.Provider) error {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(heapPercent)
		boundGarbage()
	}
	limit := memlimit.ApplyFallback(container, memlimit.Limit(assumedLimit))
	if _, err := memlimit.SetGoMemLimitWithOpts(memlimit.WithProvider(limit)); err != nil {
		return fmt.Errorf("set the memory limit: %w", err)
	}
	return nil
}
