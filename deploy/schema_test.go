//go:build chart

package deploy

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// verdicts are what kubeconform says of objects: "statusValid", "statusInvalid", …, by kind.
func verdicts(t *testing.T, objects []object) map[string]string {
	t.Helper()
	var manifest bytes.Buffer
	encoder := yaml.NewEncoder(&manifest)
	for _, one := range objects {
		require.NoError(t, encoder.Encode(one))
	}
	location := tool(t, "SCHEMAS", "schemas") + "/{{ .Group }}/{{ .ResourceKind }}-{{ .ResourceAPIVersion }}.json"
	cmd := exec.CommandContext(t.Context(), tool(t, "KUBECONFORM", "kubeconform"), "-strict", "-verbose", "-output", "json", "-schema-location", location)
	cmd.Stdin = &manifest
	output, _ := cmd.Output() // it fails where an object does
	var answer struct {
		Resources []struct{ Kind, Status string }
	}
	require.NoError(t, json.Unmarshal(output, &answer), "%s", output)
	all := map[string]string{}
	for _, resource := range answer.Resources {
		all[resource.Kind] = resource.Status
	}
	return all
}

// TestAFieldWithASlipOfThePenIsFoundInEachKind is about the check itself: a schema that takes everything would pass it.
func TestAFieldWithASlipOfThePenIsFoundInEachKind(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"everything", "identity", "managed-prometheus"} {
		objects := render(t, chart+"/ci/"+file+"-values.yaml")
		for kind, status := range verdicts(t, objects) {
			assert.Equal(t, "statusValid", status, kind)
		}
		for _, one := range objects {
			if _, specified := one["spec"]; specified {
				one.under("spec")["slipOfThePen"] = true
			} else {
				one["slipOfThePen"] = true
			}
		}
		found := verdicts(t, objects)
		require.NotEmpty(t, found)
		for kind, status := range found {
			assert.Equal(t, "statusInvalid", status, kind)
		}
	}
}
