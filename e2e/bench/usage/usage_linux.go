// Package usage tells what a running process has cost so far, as the kernel has it in /proc.
package usage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc/<pid>/stat, the same on every Linux that Go runs on
// (USER_HZ).
const tick = 10 * time.Millisecond

var errUnknown = errors.New("unknown form")

// CPU is the processor time that the process has used, user and system together, in steps of 10 ms.
func CPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	return cpuOf(string(stat))
}

// cpuOf reads utime and stime, the 14th and 15th field. The second is the program's name in brackets,
// which may hold anything.
func cpuOf(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the processor time of %q: %w", stat, errUnknown)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the user time: %w", err)
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the system time: %w", err)
	}
	return time.Duration(user+system) * tick, nil
}

// PeakRSS is the most memory, in bytes, that the process has had resident at once.
func PeakRSS(pid int) (int64, error) { return size(pid, peakSize) }

// RSS is how much memory, in bytes, the process has resident now.
func RSS(pid int) (int64, error) { return size(pid, residentSize) }

// These are lines of /proc/<pid>/status.
const (
	peakSize     = "VmHWM:"
	residentSize = "VmRSS:"
)

func size(pid int, name string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the resident size: %w", err)
	}
	return sizeOf(string(status), name)
}

func sizeOf(status, name string) (int64, error) {
	for line := range strings.Lines(status) {
		if size, found := strings.CutPrefix(line, name); found {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(size), "kB")), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read the resident size: %w", err)
			}
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("read the resident size: %w", errUnknown)
}
