package retry

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, test := range []struct {
		name, header string
		want         time.Duration
	}{
		{"none", "", 0},
		{"seconds", "7", 7 * time.Second},
		{"seconds with spaces", " 7 ", 7 * time.Second},
		{"zero", "0", 0},
		{"negative", "-7", 0},
		{"fraction", "1.5", 0},
		{"the most", "300", 5 * time.Minute},
		{"too many seconds", "301", 5 * time.Minute},
		{"absurdly many seconds", "2147483647", 5 * time.Minute},
		{"more than a number holds", "99999999999999999999", 0},
		{"date", in(90 * time.Second), 90 * time.Second},
		{"date that has passed", in(-time.Hour), 0},
		{"date too far away", in(24 * time.Hour), 5 * time.Minute},
		{"date in the old format", now.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05") + " GMT", time.Minute},
		{"rubbish", "soon", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, After(test.header, now))
		})
	}
}
