//go:build chart

package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	chart = "helm/aks-audit-log-go"
	// withSecret is the least that has to be given.
	withSecret = "secret.existingSecret=aks-audit-log-go"
	// kubeVersion is that of the schemas; a helm that was built with "go install" takes itself to be at 1.20.
	kubeVersion = "1.34.2"
)

// tool is the program that the variable names, or that "make chart" has installed.
func tool(t *testing.T, variable, name string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join("..", "bin", name)
	}
	_, err := os.Stat(path)
	require.NoError(t, err, "%s is not there: run the tests by make chart, or name it in %s", name, variable)
	return path
}

// helm runs helm.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "HELM", "helm"), args...)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	return out.String(), errors.String(), err
}

// template is the command line that renders the chart with the settings; each is "key=value", or the name of a values
// file.
func template(settings []string) []string {
	args := []string{"template", "release", chart, "--namespace", "falco", "--kube-version", kubeVersion}
	for _, setting := range settings {
		if strings.HasSuffix(setting, ".yaml") {
			args = append(args, "--values", setting)
		} else {
			args = append(args, "--set", setting)
		}
	}
	return args
}

// render returns the objects that the chart makes.
func render(t *testing.T, settings ...string) []object {
	t.Helper()
	out, errors, err := helm(t, template(settings)...)
	require.NoError(t, err, errors)
	return parse(t, []byte(out))
}

// copyOfChart is a folder with the chart, to change it.
func copyOfChart(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "chart")
	require.NoError(t, os.CopyFS(dir, os.DirFS(chart)))
	return dir
}

// renderCopy is render for a copy of the chart.
func renderCopy(t *testing.T, dir string, settings ...string) []object {
	t.Helper()
	args := template(settings)
	args[2] = dir
	out, errors, err := helm(t, args...)
	require.NoError(t, err, errors)
	return parse(t, []byte(out))
}

// refusal returns what the chart says to settings that it does not take.
func refusal(t *testing.T, settings ...string) string {
	t.Helper()
	out, errors, err := helm(t, template(settings)...)
	require.Error(t, err, "it renders:\n%s", out)
	return errors
}

// examples are the values files that are checked in CI.
func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(chart + "/ci/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// container returns the daemon's container.
func container(t *testing.T, objects []object) object {
	t.Helper()
	containers := only(t, objects, "Deployment").list("spec/template/spec/containers")
	require.NotEmpty(t, containers)
	require.Equal(t, "aks-audit-log-go", containers[0]["name"])
	return containers[0]
}

// podSpecs returns the specs of all pods: of the Deployment and of the tests.
func podSpecs(t *testing.T, objects []object) map[string]object {
	t.Helper()
	specs := map[string]object{"Deployment": only(t, objects, "Deployment").under("spec/template/spec")}
	for _, pod := range ofKind(objects, "Pod") {
		specs["Pod "+pod.name()] = pod.under("spec")
	}
	return specs
}
