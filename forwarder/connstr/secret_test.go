package connstr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	const value = "s3cr3t-value"
	secret := Secret(value)
	holder := struct{ Key Secret }{secret}

	printed := map[string]string{
		"String":   secret.String(),
		"GoString": secret.GoString(),
		"error":    fmt.Errorf("sign in with %s", secret).Error(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
		printed[verb] = fmt.Sprintf(verb, secret)
		printed[verb+" in a struct"] = fmt.Sprintf(verb, holder)
		printed[verb+" in a pointer"] = fmt.Sprintf(verb, &holder)
	}
	text, err := json.Marshal(holder)
	require.NoError(t, err)
	printed["JSON"] = string(text)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "key", secret)
	printed["slog"] = log.String()

	hex := fmt.Sprintf("%x", value)
	for way, text := range printed {
		assert.NotContains(t, text, value, way)
		assert.NotContains(t, text, hex, way)
		assert.Contains(t, text, "(redacted)", way)
	}
	assert.Equal(t, value, secret.Reveal())
}
