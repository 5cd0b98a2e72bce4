package pemfile

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/certtest"
)

func TestAuthoritiesAreThoseOfTheFileToo(t *testing.T) {
	first, second := certtest.NewAuthority(t, "first"), certtest.NewAuthority(t, "second")
	path := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, first.PEM, 0o600))
	one, err := Authorities(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(bytes.Clone(first.PEM), second.PEM...), 0o600))
	both, err := Authorities(path)
	require.NoError(t, err)
	assert.False(t, one.Equal(both))
	one.AppendCertsFromPEM(second.PEM)
	assert.True(t, one.Equal(both))
}

func TestAFileThatCannotBeUsedIsAnErrorThatNamesIt(t *testing.T) {
	ca := certtest.NewAuthority(t, "ours")
	path := filepath.Join(t.TempDir(), "ca.pem")
	_, err := Authorities(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, path)
	for name, test := range map[string]struct {
		content []byte
		want    error
	}{
		"empty":                   {nil, ErrNoCertificate},
		"another text":            {[]byte("hunter2"), ErrNoCertificate},
		"cut short":               {ca.PEM[:90], errCutShort},
		"cut short after the 1st": {append(bytes.Clone(ca.PEM), ca.PEM[:90]...), errCutShort},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, test.content, 0o600))
			_, err := Authorities(path)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, path)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}
