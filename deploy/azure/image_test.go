package azure_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnInstallWithoutARegistryForTheImageIsRefusedBeforeAnythingIsChanged(t *testing.T) {
	t.Parallel()
	cluster := []string{"--resource-group", "Group", "--cluster", clusterName}
	d := newDesk(t)
	o := d.start("install.sh", "", cluster...)
	o.mustSay(t, 1, "az acr build ", "--attach-acr ", "--image-repository ")
	assert.Empty(t, o.changes)
	d.start("install.sh", "", append(cluster, "--dry-run")...).mustSay(t, 0, "warning: ", "az acr build ", "helm upgrade")

	// Where it is known, may be known, or is not needed, nothing is said.
	released := filepath.Join(t.TempDir(), "chart")
	require.NoError(t, os.Mkdir(released, 0o700))
	require.NoError(t, os.WriteFile(released+"/values.yaml", []byte("image:\n  registry: \"ghcr.io/owner\"\n"), 0o600))
	for _, more := range [][]string{{"--values", "mine.yaml"}, {"--without-helm"}, {"--chart", released}, {"--chart", "oci://registry.example/charts/it"}} {
		o := newDesk(t).start("install.sh", "", append(cluster, more...)...)
		o.mustSay(t, 0, "Done.")
		assert.Empty(t, o.stderr, more)
	}
	installed(t).start("install.sh", "", cluster...).mustSay(t, 0, "Done.")
}
