package forwarder

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogLinesAreJSONUnlessOnATerminal(t *testing.T) {
	for _, format := range []string{"", "json"} {
		var out bytes.Buffer
		NewLogger(Config{LogLevel: logrus.InfoLevel, LogFormat: format}, &out).WithField("partition", "7").Info("started")
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line), out.String())
		assert.Equal(t, "started", line["msg"])
		assert.Equal(t, "7", line["partition"])
	}
}

func TestDebuggingTellsWhetherTheDebugLevelIsLogged(t *testing.T) {
	log := logrus.New()
	assert.False(t, Debugging(log))
	assert.False(t, Debugging(log.WithField("a", 1)))
	log.SetLevel(logrus.DebugLevel)
	assert.True(t, Debugging(log))
	assert.True(t, Debugging(log.WithField("a", 1)))
	assert.True(t, Debugging(struct{ logrus.FieldLogger }{log}), "a logger of another type decides by itself")
}

func TestAFileIsNotATerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, file.Close()) })
	assert.False(t, IsTerminal(file))
	assert.False(t, IsTerminal(&bytes.Buffer{}))
}

func TestLogLinesAreTextIfLogFormatSaysSo(t *testing.T) {
	var out bytes.Buffer
	NewLogger(Config{LogLevel: logrus.InfoLevel, LogFormat: "text"}, &out).WithError(errors.New("away")).Warn("checkpoint not written")
	assert.Regexp(t, `^time="[^"]+Z" level=warn msg="checkpoint not written" error=away\n$`, out.String())
}

func TestLogTimesAreInUTC(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(Config{LogLevel: logrus.InfoLevel}, &out)
	at := time.Date(2026, 1, 31, 13, 0, 0, 5, time.FixedZone("CET", 3600))
	log.WithTime(at).Info("started")
	assert.Contains(t, out.String(), `"time":"2026-01-31T12:00:00.000000005Z"`)
}

func TestDurationsAreReadable(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		entry := NewLogger(Config{LogLevel: logrus.InfoLevel, LogFormat: format}, &out).WithField("delay", 1500*time.Millisecond)
		entry.Info("trying again")
		assert.Regexp(t, `"?delay"?[:=]"?1\.5s`, out.String())
		assert.Equal(t, 1500*time.Millisecond, entry.Data["delay"], "the entry stays as its owner made it")
	}
}

func TestLinesBelowTheLogLevelAreLeftOut(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(Config{LogLevel: logrus.WarnLevel}, &out)
	log.Info("started")
	assert.Empty(t, out.String())
	log.Warn("held")
	assert.Contains(t, out.String(), "held")
}

func TestLevelsAreWrittenAsTheyAreSet(t *testing.T) {
	const message = `sent "level":"warning", level=warning msg="x"`
	for _, level := range []string{"error", "warn", "info", "debug", "trace"} {
		set, err := logrus.ParseLevel(level)
		require.NoError(t, err)
		assert.Equal(t, level, LevelName(set))
		var out bytes.Buffer
		log := NewLogger(Config{LogLevel: logrus.TraceLevel, LogFormat: "json"}, &out)
		log.WithField("a", message).Log(set, message)
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line), out.String())
		assert.Equal(t, level, line["level"])
		assert.Equal(t, message, line["a"], "what is logged stays as it is")
		assert.Equal(t, message, line["msg"])

		out.Reset()
		log = NewLogger(Config{LogLevel: logrus.TraceLevel, LogFormat: "text"}, &out)
		log.WithField("a", message).Log(set, message)
		assert.Contains(t, out.String(), "Z\" level="+level+" msg=")
		assert.Contains(t, out.String(), `level=warning msg=\"x\"`)
	}
}
