package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// written has content in a file, hands it to convert, writes what comes out and returns the folder.
func written(t *testing.T, content string, convert func(string) ([]schema, error)) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	require.NoError(t, os.WriteFile(source, []byte(content), 0o600))
	schemas, err := convert(source)
	require.NoError(t, err)
	out := filepath.Join(dir, "out")
	for _, one := range schemas {
		require.NoError(t, one.write(out))
	}
	return out
}

func read(t *testing.T, name string) object {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	var decoded object
	require.NoError(t, json.Unmarshal(content, &decoded))
	return decoded
}

func TestAKindOfKubernetesRefusesUnknownFieldsAndStandsAlone(t *testing.T) {
	t.Parallel()
	out := written(t, `{"definitions": {
		"a.Pod": {"type": "object", "required": ["spec"], "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Pod"}],
			"properties": {"spec": {"$ref": "#/definitions/a.Spec"}}},
		"a.Spec": {"type": "object", "properties": {"port": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString"},
			"again": {"$ref": "#/definitions/a.Spec"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}}}},
		"a.PodList": {"type": "object", "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "PodList"}]},
		"b.Scale": {"type": "object", "properties": {"x": {"type": "string"}}, "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Scale"}]},
		"io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": "string", "format": "int-or-string"}
	}}`, fromSwagger)

	pod := read(t, filepath.Join(out, "v1", "pod-v1.json"))
	assert.Equal(t, "#/definitions/a.Pod", pod["$ref"])
	definitions := pod["definitions"].(object)
	require.Len(t, definitions, 3, "what it refers to and no more, though it refers to itself")
	spec := definitions["a.Spec"].(object)
	assert.Equal(t, false, spec["additionalProperties"])
	assert.Equal(t, object{"type": "string"}, spec["properties"].(object)["labels"].(object)["additionalProperties"], "a map stays a map")
	assert.Equal(t, []any{"string", "number"}, definitions[intOrString].(object)["type"])

	assert.FileExists(t, filepath.Join(out, "apps", "scale-v1.json"))
	assert.NoFileExists(t, filepath.Join(out, "v1", "podlist-v1.json"))
}

func TestACustomResourceRefusesUnknownFieldsWhereItsDefinitionDoes(t *testing.T) {
	t.Parallel()
	out := written(t, `
spec:
  group: monitoring.coreos.com
  names: {kind: PodMonitor}
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          type: object
          properties:
            metadata: {type: object}
            spec:
              type: object
              properties:
                properties: {type: object, properties: {a: {type: string}}}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}
                type: {type: string}
                maybe: {type: string, nullable: true}
                many: {type: array, items: {type: object, properties: {a: {type: string}}}}
`, fromCRD)

	for _, group := range []string{"monitoring.coreos.com", "azmonitoring.coreos.com"} {
		monitor := read(t, filepath.Join(out, group, "podmonitor-v1.json"))
		assert.Equal(t, false, monitor["additionalProperties"])
		fields := monitor["properties"].(object)
		assert.NotContains(t, fields["metadata"], "additionalProperties", "the definition says nothing of it")
		spec := fields["spec"].(object)
		assert.Equal(t, false, spec["additionalProperties"])
		fields = spec["properties"].(object)
		assert.Len(t, fields, 5, "fields with the names of keywords are fields")
		assert.Equal(t, false, fields["properties"].(object)["additionalProperties"])
		assert.NotContains(t, fields["free"], "additionalProperties")
		assert.Equal(t, []any{"string", "null"}, fields["maybe"].(object)["type"])
		assert.Equal(t, false, fields["many"].(object)["items"].(object)["additionalProperties"])
	}
}

func TestAFileThatIsNoDescriptionIsSaidToBeNone(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(name, []byte("]"), 0o600))
	_, err := fromSwagger(name)
	require.ErrorContains(t, err, "read the API of Kubernetes")
	_, err = fromCRD(name)
	require.ErrorContains(t, err, "read a custom resource")
}
