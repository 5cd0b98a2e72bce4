//go:build !linux

package harness

import "syscall"

// dieWithParent returns nil, because these kernels cannot kill a child process with its parent. A test run that panics
// or times out may leave processes.
func dieWithParent() *syscall.SysProcAttr { return nil }
