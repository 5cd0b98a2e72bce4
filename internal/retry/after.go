package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAfter bounds the wait that a server can ask for with Retry-After. A server that works again should get the
// waiting requests no later than that.
const maxAfter = 5 * time.Minute

// After reads a Retry-After header (RFC 9110, section 10.2.3): seconds, or a date. It returns 0 if the header is
// missing or cannot be used, and five minutes at most.
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
