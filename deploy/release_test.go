//go:build chart

package deploy

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// release runs the release script for version 1.2.3 of a project at example.com.
func release(t *testing.T, command, folder string) {
	t.Helper()
	program, err := filepath.Abs(tool(t, "HELM", "helm"))
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "../scripts/release.sh", command, "v1.2.3", folder)
	cmd.Env = append(os.Environ(), "HELM="+program, "IMAGE_REGISTRY=registry.example.com/owner", "SOURCE_URL=https://git.example.com/owner/it")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func TestTheManifestOfAReleaseHasItsImageAndIsOtherwiseTheOneInTheRepository(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release(t, "manifest", dir)
	made, err := os.ReadFile(filepath.Join(dir, "kubernetes.yaml"))
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(dir, "checksums.txt"))
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("%x  kubernetes.yaml\n", sha256.Sum256(made)), string(sums))

	kept, err := os.ReadFile("kubernetes.yaml")
	require.NoError(t, err)
	as := strings.NewReplacer("Replace the image by yours.", "The image is that of the release; replace it where the cluster may not pull it.",
		`image: "aks-audit-log-go:dev"`, `image: "registry.example.com/owner/aks-audit-log-go:1.2.3"`,
		`app.kubernetes.io/version: "dev"`, `app.kubernetes.io/version: "1.2.3"`)
	assert.Equal(t, as.Replace(string(kept)), string(made))
}

func TestTheChartOfAReleaseHasItsImageAndItsRunbook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release(t, "chart", dir)
	objects := renderCopy(t, filepath.Join(dir, "aks-audit-log-go-1.2.3.tgz"), withSecret, "prometheusRules.enabled=true")
	assert.Equal(t, "registry.example.com/owner/aks-audit-log-go:1.2.3", container(t, objects)["image"])
	first := only(t, objects, "PrometheusRule").list("spec/groups")[0].list("rules")[0]
	assert.Equal(t, "https://git.example.com/owner/it/blob/v1.2.3/docs/operations.md#aksauditlogabsent", first.at("annotations/runbook_url"))
}
