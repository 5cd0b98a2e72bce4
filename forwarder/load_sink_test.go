package forwarder

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/variable"
)

const httpsSink = variable.SinkURL + "=https://falco/"

func TestTheSinksCredentialsSetTheirFields(t *testing.T) {
	cfg, err := Load(environ(httpsSink, "WEBSINKCAFILE=/ca", "WEBSINKCERTFILE=./crt", "WEBSINKKEYFILE=../key", "WEBSINKTOKEN=t0k3n"))
	require.NoError(t, err)
	assert.Equal(t, "/ca", cfg.SinkCAFile)
	assert.Equal(t, "./crt", cfg.SinkCertFile)
	assert.Equal(t, "../key", cfg.SinkKeyFile)
	assert.Equal(t, "t0k3n", cfg.SinkToken.Reveal())

	cfg, err = Load(environ("WEBSINKTOKENFILE=/token"))
	require.NoError(t, err, "a token may be sent over http://, like a password")
	assert.Equal(t, "/token", cfg.SinkTokenFile)
}

func TestContradictoryCredentialsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		set  []string
		want []string
	}{
		"a certificate without a key": {
			[]string{httpsSink, "WEBSINKCERTFILE=/crt"}, []string{"WEBSINKCERTFILE is set without WEBSINKKEYFILE"},
		},
		"a key without a certificate": {
			[]string{httpsSink, "WEBSINKKEYFILE=/key"}, []string{"WEBSINKKEYFILE is set without WEBSINKCERTFILE"},
		},
		"TLS files without TLS": {
			[]string{"WEBSINKCAFILE=/ca", "WEBSINKCERTFILE=/crt", "WEBSINKKEYFILE=/key"},
			[]string{
				"WEBSINKCAFILE is set, but WEBSINKURL is no https:// URL", "WEBSINKCERTFILE is set, but WEBSINKURL is no",
				"WEBSINKKEYFILE is set, but WEBSINKURL is no",
			},
		},
		"two tokens": {
			[]string{"WEBSINKTOKEN=t0k3n", "WEBSINKTOKENFILE=/token"}, []string{"WEBSINKTOKEN is set beside WEBSINKTOKENFILE"},
		},
		"a token and a user": {
			[]string{"WEBSINKURL=https://u:p@h/", "WEBSINKTOKEN=t0k3n"}, []string{"WEBSINKTOKEN is set, but WEBSINKURL has a user in it"},
		},
		"a token file and a user": {
			[]string{"WEBSINKURL=https://u:p@h/", "WEBSINKTOKENFILE=/token"}, []string{"WEBSINKTOKENFILE is set, but WEBSINKURL has a user in it"},
		},
		"a token of two words": {[]string{"WEBSINKTOKEN=Bearer t0k3n"}, []string{"WEBSINKTOKEN is (set, 12 characters): it should be a token"}},
		"a token in the place of its file": {
			[]string{"WEBSINKTOKENFILE=t0k3n"}, []string{"WEBSINKTOKENFILE is (set, 5 characters): it should be the path of a file"},
		},
		"a key in the place of its file": {
			[]string{httpsSink, "WEBSINKCERTFILE=/crt", "WEBSINKKEYFILE=-----BEGIN PRIVATE KEY-----t0k3n"},
			[]string{"WEBSINKKEYFILE is (set, 32 characters): it should be the path of a file"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(environ(test.set...))
			require.Error(t, err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), "t0k3n")
		})
	}
}

func TestTheStartLogSaysHowTheDaemonSignsInToTheSink(t *testing.T) {
	for want, set := range map[string]string{
		"none": "WEBSINKURL=http://h/", "basic": "WEBSINKURL=http://u:p@h/", "bearer": "WEBSINKTOKEN=t0k3n",
	} {
		cfg, err := Load(environ(set))
		require.NoError(t, err)
		assert.Equal(t, want, cfg.LogFields()["sink_auth"])
		assert.NotContains(t, cfg.String(), "t0k3n")
	}
	cfg, err := Load(environ("WEBSINKTOKENFILE=/token"))
	require.NoError(t, err)
	assert.Equal(t, "bearer", cfg.LogFields()["sink_auth"])
}
