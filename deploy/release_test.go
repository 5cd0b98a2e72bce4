//go:build chart

package deploy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
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
	archive := filepath.Join(dir, "aks-audit-log-go-1.2.3.tgz")
	about := metadata(t, archive)
	assert.Equal(t, "https://git.example.com/owner/it", about["home"])
	assert.Equal(t, []any{"https://git.example.com/owner/it/tree/v1.2.3"}, about["sources"])
	assert.Equal(t, "1.2.3", about["appVersion"])
	images, _ := about.under("annotations")["artifacthub.io/images"].(string)
	assert.Equal(t, "- name: aks-audit-log-go\n  image: registry.example.com/owner/aks-audit-log-go:1.2.3\n", images)
	objects := renderCopy(t, archive, withSecret, "prometheusRules.enabled=true")
	assert.Equal(t, "registry.example.com/owner/aks-audit-log-go:1.2.3", container(t, objects)["image"])
	first := only(t, objects, "PrometheusRule").list("spec/groups")[0].list("rules")[0]
	assert.Equal(t, "https://git.example.com/owner/it/blob/v1.2.3/docs/operations.md#aksauditlogabsent", first.at("annotations/runbook_url"))
}

// metadata is a chart's Chart.yaml, as Helm reads it.
func metadata(t *testing.T, path string) object {
	t.Helper()
	out, errors, err := helm(t, "show", "chart", path)
	require.NoError(t, err, errors)
	return parse(t, []byte(out))[0]
}

// TestTheChartSaysOfItselfWhatArtifactHubShows and nothing that only a release knows.
func TestTheChartSaysOfItselfWhatArtifactHubShows(t *testing.T) {
	t.Parallel()
	about := metadata(t, chart)
	assert.NotContains(t, about, "home")
	assert.NotContains(t, about, "sources")
	assert.NotEmpty(t, about.list("maintainers")[0]["name"])
	annotations := about.strings(t, "annotations")
	assert.Equal(t, "Apache-2.0", annotations["artifacthub.io/license"])
	assert.NotContains(t, annotations, "artifacthub.io/images")
	for _, name := range []string{"artifacthub.io/links", "artifacthub.io/recommendations"} {
		var entries []map[string]string
		require.NoError(t, yaml.Unmarshal([]byte(annotations[name]), &entries), name)
		require.NotEmpty(t, entries)
		for _, entry := range entries {
			assert.Regexp(t, "^https://", entry["url"])
		}
	}

	icon, _ := about["icon"].(string)
	encoded, isSVG := strings.CutPrefix(icon, "data:image/svg+xml;base64,")
	require.True(t, isSVG)
	picture, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(picture, new(struct{ XMLName xml.Name })))
}
