package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAfter bounds the wait that a server can request with Retry-After. A server that works again then gets the waiting
// requests within this time.
const maxAfter = 5 * time.Minute

// After parses a Retry-After header (RFC 9110, section 10.2.3), which has seconds or a date. It returns at most five
// minutes, and 0 if the header is missing or cannot be used.
func After(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxAfter)
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(0, date.Sub(now)), maxAfter)
	}
	return 0
}
