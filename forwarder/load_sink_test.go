package forwarder

import (
	"strings"
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

func TestASecretThatIsSentInClearIsWarnedOf(t *testing.T) {
	for set, want := range map[string]string{
		"WEBSINKURL=http://u:t0k3n@falco/":                     "the user and password in WEBSINKURL and the audit events are sent without encryption",
		"WEBSINKURL=http://t0k3n@falco/":                       "the user and password in WEBSINKURL and",
		"WEBSINKURL=http://falco/ WEBSINKTOKEN=t0k3n":          "the token in WEBSINKTOKEN and",
		"WEBSINKURL=http://127.0.0.2.x/ WEBSINKTOKENFILE=/t":   "the token that WEBSINKTOKENFILE names and",
		"WEBSINKURL=https://u:t0k3n@falco/":                    "",
		"WEBSINKURL=https://falco/ WEBSINKTOKEN=t0k3n":         "",
		"WEBSINKURL=http://falco/":                             "",
		"WEBSINKURL=http://LOCALHOST:9765/ WEBSINKTOKEN=t0k3n": "",
		"WEBSINKURL=http://u:t0k3n@127.0.0.1:9765/":            "",
		"WEBSINKURL=http://u:t0k3n@[::1]:9765/":                "",
	} {
		cfg, err := Load(environ(strings.Fields(set)...))
		require.NoError(t, err, set)
		if want == "" {
			assert.Empty(t, cfg.Warnings, set)
			continue
		}
		require.Len(t, cfg.Warnings, 1, set)
		assert.Contains(t, cfg.Warnings[0], want)
		assert.NotContains(t, cfg.Warnings[0], "t0k3n")
	}
}

func TestASignatureThatIsSentInClearIsWarnedOf(t *testing.T) {
	for endpoint, warned := range map[string]bool{"http://azurite:10000/a": true, "https://azurite:10000/a": false, "http://127.0.0.1:10000/a": false} {
		cfg, err := Load(environ("BLOBSTORAGECONNECTIONSTRING=BlobEndpoint=" + endpoint + ";SharedAccessSignature=sv=1&sig=t0k3n"))
		require.NoError(t, err)
		assert.Equal(t, warned, len(cfg.Warnings) == 1, endpoint)
		assert.NotContains(t, strings.Join(cfg.Warnings, ""), "t0k3n")
	}
	cfg, err := Load(environ("BLOBSTORAGECONNECTIONSTRING=BlobEndpoint=http://azurite:10000/a;AccountName=a;AccountKey=a2V5"))
	require.NoError(t, err)
	assert.Empty(t, cfg.Warnings, "the key itself is not sent")
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
