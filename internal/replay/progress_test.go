package replay

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
)

func TestOnATerminalABarSaysHowFarItIs(t *testing.T) {
	const cleared = "\x1b[2K\r"
	var out bytes.Buffer
	log := logrus.New()
	log.SetFormatter(&logrus.TextFormatter{DisableTimestamp: true, DisableColors: true})
	p := newProgress(&out, true, log)
	p.show(howFar{hubEvents: 3, sent: 40, share: 0.256})
	assert.Regexp(t, `\r40 audit events of 3 hub events +25% \|█+ +\| `, out.String())
	out.Reset()
	log.Warn("the sink is slow")
	assert.True(t, strings.HasPrefix(out.String(), cleared+"level=warning msg=\"the sink is slow\"\n\r40 audit events"), "%q", out.String())
	out.Reset()
	p.show(howFar{hubEvents: 5, sent: 50, share: 1})
	assert.Contains(t, out.String(), "50 audit events of 5 hub events", "it is not at its end before close")
	out.Reset()
	p.close()
	assert.Equal(t, cleared, out.String())
	p.close()
	log.Warn("later")
	assert.Equal(t, cleared+"level=warning msg=later\n", out.String())
}

func TestWithoutATerminalTheLogSaysHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := logrus.New()
		log.SetOutput(&out)
		p := newProgress(&out, false, log)
		for range 25 {
			time.Sleep(time.Second) // the clock of synctest
			p.show(howFar{hubEvents: 3, sent: 40, share: 0.256})
		}
		p.close()
		assert.Equal(t, 2, strings.Count(out.String(), "msg=replaying hub_events=3 percent=25 sent=40\n"))
		assert.Equal(t, 2, strings.Count(out.String(), "\n"), "and nothing else")
	})
}

func TestTheShareOfTheTimeThatIsDone(t *testing.T) {
	r := &replay{options: Options{From: noon, To: noon.Add(100 * time.Second)}, state: &state{Partitions: map[string]done{}}}
	one := &round{replay: r, lanes: map[string]*lane{}}
	assert.Zero(t, one.howFar().share)
	r.found = map[string]eventhub.PartitionInfo{
		"0": {LastEnqueued: noon.Add(time.Hour)}, "1": {LastEnqueued: noon.Add(20 * time.Second)}, "2": {LastEnqueued: noon.Add(-time.Hour)},
	}
	r.state.Partitions["0"] = done{Enqueued: noon.Add(40 * time.Second)}
	one.lanes["1"] = &lane{partition: "1", passed: []passed{{position: eventhub.Position{Enqueued: noon.Add(20 * time.Second)}, counts: Counts{Sent: 5}}}}
	now := one.howFar()
	assert.InDelta(t, 0.5, now.share, 1e-9)
	assert.Equal(t, 5, now.sent)
}
