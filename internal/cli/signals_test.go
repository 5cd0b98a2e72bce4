package cli

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestASignalWithinASecondOfTheFirstIsTheSame(t *testing.T) {
	for name, test := range map[string]struct {
		after []time.Duration // the time of each signal
		ends  time.Duration   // which of them ends the process, 0 if none does
	}{
		"one":                      {[]time.Duration{0}, 0},
		"two at once":              {[]time.Duration{0, 0}, 0},
		"two within a second":      {[]time.Duration{0, time.Second - 1}, 0},
		"many within a second":     {[]time.Duration{0, 1, 2, 300 * time.Millisecond, 900 * time.Millisecond}, 0},
		"a later one":              {[]time.Duration{0, time.Second + 1}, time.Second + 1},
		"the same and a later":     {[]time.Duration{0, 100 * time.Millisecond, 5 * time.Second}, 5 * time.Second},
		"counted from the first":   {[]time.Duration{0, 900 * time.Millisecond, 1500 * time.Millisecond}, 1500 * time.Millisecond},
		"a first one that is late": {[]time.Duration{time.Hour, time.Hour + time.Second - 1, time.Hour + 2*time.Second}, time.Hour + 2*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals, restored := make(chan os.Signal, 8), make(chan struct{})
				began, stops := time.Now(), 0
				go func() {
					for _, after := range test.after {
						<-time.After(after - time.Since(began))
						signals <- syscall.SIGTERM
					}
					<-time.After(time.Minute)
					close(restored)
				}()
				second := secondSignal(signals, func() { stops++ }, restored)
				assert.Equal(t, 1, stops)
				if test.ends == 0 {
					assert.Nil(t, second)
					return
				}
				assert.Equal(t, syscall.SIGTERM, second)
				assert.Equal(t, test.ends, time.Since(began))
				<-restored // the sender ends
			})
		})
	}
}

func TestSignalsAreNoLongerWaitedForOnceRestored(t *testing.T) {
	restored := make(chan struct{})
	close(restored)
	assert.Nil(t, secondSignal(nil, func() { t.Error("nothing was signalled") }, restored))
}

func TestALogThatBlocksDoesNotKeepTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, read := time.Now(), make(chan struct{})
		sayWithin(sayLimit, func() { <-read })
		assert.Equal(t, sayLimit, time.Since(began))
		close(read)
	})
}
