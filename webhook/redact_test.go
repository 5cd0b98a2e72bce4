package webhook

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASinkIsShownWithoutItsSecrets(t *testing.T) {
	for from, want := range map[string]string{
		"http://falco:9765/k8s-audit":                  "http://falco:9765/k8s-audit",
		"https://me:pw@falco/k8s-audit?token=x#part":   "https://falco/k8s-audit",
		"https://token@falco":                          "https://falco",
		"http://[::1]:9765/a%2Fb?token=x":              "http://[::1]:9765/a%2Fb",
		"https://me:pw@falco/k8s-audit?token=x&token=": "https://falco/k8s-audit",
	} {
		u, err := url.Parse(from)
		require.NoError(t, err)
		assert.Equal(t, want, newRedactor(u).sink)
	}
}

func TestTextsThatHoldASecretAreLeftOut(t *testing.T) {
	u, err := url.Parse("https://me:p%40ss@falco/k8s-audit?token=hush%2Fhush&v=1")
	require.NoError(t, err)
	r := newRedactor(u)
	for _, text := range []string{
		"the password is p@ss", "or p%40ss", "Authorization: Basic bWU6cEBzcw==",
		"Cannot POST /k8s-audit?token=hush%2Fhush&v=1", "token hush/hush is wrong",
	} {
		assert.NotContains(t, r.clean(text), text, "%q was shown", text)
	}
	for _, text := range []string{"", "me", "no such path: /k8s-audit", "1 of 1"} {
		assert.Equal(t, text, r.clean(text))
	}
}

func TestAUserWithoutAPasswordIsASecret(t *testing.T) {
	u, err := url.Parse("https://tokentoken@falco/")
	require.NoError(t, err)
	assert.NotContains(t, newRedactor(u).clean("bad tokentoken"), "tokentoken")
}

func TestAnURLWithoutSecretsLeavesAllTexts(t *testing.T) {
	u, err := url.Parse("https://falco/?v=1")
	require.NoError(t, err)
	assert.Equal(t, "1 error", newRedactor(u).clean("1 error"))
}

func TestEchoes(t *testing.T) {
	posted := `{"kind":"Event","requestObject":{"data":{"password":"aHVudGVyMg=="}}}`
	for _, test := range []struct {
		name, answer string
		want         bool
	}{
		{"empty", "", false},
		{"a text of its own", "cannot parse the body at offset 17, sorry", false},
		{"the whole body", "bad: " + posted, true},
		{"a piece of it", `near "password":"aHVudGVyMg=="`, true},
		{"less than counts", `near "password":"aHV`, false},
		{"its last bytes", "…" + posted[len(posted)-16:], true},
		{"its first bytes", posted[:16], true},
		{"shorter than counts", posted[:15], false},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, echoes([]byte(test.answer), []byte(posted)))
		})
	}
	assert.False(t, echoes([]byte(strings.Repeat("x", 512)), nil))
}
