//go:build look

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// TestTheUPlotThatIsBuiltInIsThatOfThePinnedPackage fails if the package was updated without `make uplot`.
func TestTheUPlotThatIsBuiltInIsThatOfThePinnedPackage(t *testing.T) {
	harness.StartBrowser(t) // installs the packages
	for _, file := range []string{"dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"} {
		pinned, err := os.ReadFile(filepath.Join("node_modules/uplot", file))
		require.NoError(t, err)
		builtIn, err := os.ReadFile(filepath.Join("../forwarder/status/page/uplot", filepath.Base(file)))
		require.NoError(t, err)
		assert.Equal(t, string(pinned), string(builtIn), "%s: run make uplot", file)
	}
}
