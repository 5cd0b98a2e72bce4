package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/variable"
)

func TestEachCommandHasAManPage(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	folder, again := filepath.Join(t.TempDir(), "man"), t.TempDir()
	require.NoError(t, write(folder, "v1.2.3"))
	require.NoError(t, write(again, "v1.2.3"))
	for page, part := range map[string]string{
		"aks-audit-log-go.1":                    ".SH ENVIRONMENT",
		"aks-audit-log-go-check.1":              "aks-audit-log-go check",
		"aks-audit-log-go-checkpoints-export.1": "--group",
		"aks-audit-log-go-deadletters-list.1":   "--json",
		"aks-audit-log-go-completion-zsh.1":     "zsh",
	} {
		text, err := os.ReadFile(filepath.Join(folder, page))
		require.NoError(t, err)
		assert.Contains(t, string(text), part, page)
		assert.Contains(t, string(text), `"Nov 2023" "aks-audit-log-go v1.2.3"`, page)
		same, err := os.ReadFile(filepath.Join(again, page))
		require.NoError(t, err)
		assert.Equal(t, string(text), string(same), page)
	}
	root, err := os.ReadFile(filepath.Join(folder, "aks-audit-log-go.1"))
	require.NoError(t, err)
	for _, v := range variable.Table() {
		assert.Contains(t, string(root), `\fB`+v.Name+`\fP`)
	}
	assert.Contains(t, string(root), ".SH EXIT STATUS")
}
