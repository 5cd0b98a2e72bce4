package gctune

import (
	"runtime/debug"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestTheMemoryLimitIsTheContainersUnlessTheOperatorHasSetOne(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	container := fstest.MapFS{
		"proc/self/cgroup":         file("0::/\n"),
		"sys/fs/cgroup/memory.max": file("100000000\n"),
	}
	debug.SetMemoryLimit(1 << 40)
	LimitMemory(func(string) (string, bool) { return "1TiB", true }, container)
	assert.Equal(t, int64(1<<40), debug.SetMemoryLimit(-1))
	unset := func(string) (string, bool) { return "", false }
	LimitMemory(unset, container)
	assert.Equal(t, int64(90_000_000), debug.SetMemoryLimit(-1))
	LimitMemory(unset, fstest.MapFS{})
	assert.Equal(t, int64(softMemoryLimit), debug.SetMemoryLimit(-1))
}

func TestTheContainersLimitIsTheLeastOfItsControlGroups(t *testing.T) {
	const none = -1
	tests := map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"in a container": {fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("5\n"),
		}, 5},
		"of a service": {fstest.MapFS{
			"proc/self/cgroup": file("0::/system.slice/x.service\n"), "sys/fs/cgroup/system.slice/x.service/memory.max": file("5\n"),
		}, 5},
		"of the group above": {fstest.MapFS{
			"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("7\n"), "sys/fs/cgroup/a/memory.max": file("5\n"),
		}, 5},
		"of the group below": {fstest.MapFS{
			"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("5\n"), "sys/fs/cgroup/a/memory.max": file("7\n"),
		}, 5},
		"none":              {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("max\n")}, none},
		"no control groups": {fstest.MapFS{}, none},
		"of the first version": {fstest.MapFS{
			"proc/self/cgroup": file("9:cpu:/x\n4:memory:/a\n0::/\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("5\n"),
		}, 5},
		"none in the first version": {fstest.MapFS{
			"proc/self/cgroup": file("4:memory:/\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
		}, none},
		"rubbish": {fstest.MapFS{"proc/self/cgroup": file("rubbish"), "sys/fs/cgroup/memory.max": file("")}, none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			limit, limited := containerLimit(test.files)
			if test.want == none {
				assert.False(t, limited)
				return
			}
			assert.True(t, limited)
			assert.Equal(t, test.want, limit)
		})
	}
}
