package e2e

import "syscall"

// dieWithParent makes the kernel end a child whose test binary is gone: a test run that
// panics or times out runs no clean-up.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
