//go:build !linux

package httpclient

import (
	"net"
	"time"
)

// setAckTimeout does nothing: only Linux has such a limit.
func setAckTimeout(*net.TCPConn, time.Duration) error { return nil }
