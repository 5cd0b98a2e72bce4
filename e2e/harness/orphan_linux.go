package harness

import (
	"syscall"
)

// dieWithParent makes the kernel kill a child process when the test binary ends, because a test run that panics or
// times out runs no clean-up.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
