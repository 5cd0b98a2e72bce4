package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// object is a Kubernetes object, or a part of one; the YAML package makes all maps in it objects too.
type object map[string]any

// parse returns the objects of a manifest.
func parse(t *testing.T, manifest []byte) []object {
	t.Helper()
	var objects []object
	decoder := yaml.NewDecoder(bytes.NewReader(manifest))
	for {
		var one object
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return objects
		}
		require.NoError(t, err, "%s", manifest)
		if len(one) > 0 {
			objects = append(objects, one)
		}
	}
}

// at returns what stands at the path of keys and indexes, such as "spec/containers/0/name"; nil where nothing does.
func (o object) at(path string) any {
	var here any = o
	for _, key := range strings.Split(path, "/") {
		switch node := here.(type) {
		case object:
			here = node[key]
		case []any:
			var index int
			if _, err := fmt.Sscan(key, &index); err != nil || index >= len(node) {
				return nil
			}
			here = node[index]
		default:
			return nil
		}
	}
	return here
}

// under is at for an object; an empty one where there is none.
func (o object) under(path string) object {
	if node, ok := o.at(path).(object); ok {
		return node
	}
	return object{}
}

// list is at for a list of objects.
func (o object) list(path string) []object {
	items, _ := o.at(path).([]any)
	var objects []object
	for _, item := range items {
		if one, ok := item.(object); ok {
			objects = append(objects, one)
		}
	}
	return objects
}

// strings returns an object whose values are all strings.
func (o object) strings(t *testing.T, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for key, value := range o.under(path) {
		text, ok := value.(string)
		require.True(t, ok, "%s/%s is no string but %T", path, key, value)
		all[key] = text
	}
	return all
}

func (o object) kind() string { kind, _ := o["kind"].(string); return kind }

func (o object) name() string { name, _ := o.at("metadata/name").(string); return name }

// ofKind returns the objects of that kind.
func ofKind(objects []object, kind string) []object {
	var found []object
	for _, one := range objects {
		if one.kind() == kind {
			found = append(found, one)
		}
	}
	return found
}

// only returns the one object of that kind.
func only(t *testing.T, objects []object, kind string) object {
	t.Helper()
	found := ofKind(objects, kind)
	require.Len(t, found, 1, kind)
	return found[0]
}
