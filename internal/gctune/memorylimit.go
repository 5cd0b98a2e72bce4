package gctune

import (
	"bufio"
	"io/fs"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// softMemoryLimit is where the garbage collector begins to work harder, in bytes, if no limit is
// known. What 32 partitions can hold of events of 1 MB is above it, so that their garbage does not
// come on top (docs/configuration.md, Memory).
const softMemoryLimit = 180 << 20

// limitMemory tells the garbage collector how much memory there is, unless the operator has set
// GOMEMLIMIT: nine tenths of the container's limit, since the kernel ends a process that is over it.
// (GOMAXPROCS follows the container's limit by itself.)
func LimitMemory(lookup func(string) (string, bool), root fs.FS) {
	if _, set := lookup("GOMEMLIMIT"); set {
		return
	}
	limit := int64(softMemoryLimit)
	if container, limited := containerLimit(root); limited {
		limit = container / 10 * 9
	}
	debug.SetMemoryLimit(limit)
}

// containerLimit reads the memory limit of the process's control group, in bytes, from a file
// system like that of the machine: the smallest of its group and those above it. In a container it
// sees no others than its own.
func containerLimit(root fs.FS) (limit int64, limited bool) {
	for group := controlGroup(root); ; group = path.Dir(group) {
		// The second version of control groups has the first file, the first version the other.
		for _, file := range []string{
			path.Join("sys/fs/cgroup", group, "memory.max"), path.Join("sys/fs/cgroup/memory", group, "memory.limit_in_bytes"),
		} {
			if found, ok := readLimit(root, file); ok && (!limited || found < limit) {
				limit, limited = found, true
			}
		}
		if group == "/" {
			return limit, limited
		}
	}
}

// controlGroup is the group's path, "/" where none is known. A line of the file is
// "<id>:<controllers>:<path>"; the second version names no controllers.
func controlGroup(root fs.FS) string {
	file, err := root.Open("proc/self/cgroup")
	if err != nil {
		return "/"
	}
	defer func() { _ = file.Close() }()
	group := "/"
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) == 3 && (fields[1] == "memory" || fields[1] == "" && group == "/") {
			group = path.Join("/", fields[2])
		}
	}
	return group
}

// unlimited is more memory than any machine has: what the first version of control groups says
// where there is no limit is near the largest number.
const unlimited = 1 << 60

func readLimit(root fs.FS, file string) (int64, bool) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, false
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return limit, err == nil && limit > 0 && limit < unlimited // the second version says "max"
}
