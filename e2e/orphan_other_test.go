//go:build !linux

package e2e

import "syscall"

// dieWithParent asks for nothing where the kernel has no such thing: a test run that panics
// or times out may leave processes behind there.
func dieWithParent() *syscall.SysProcAttr { return nil }
