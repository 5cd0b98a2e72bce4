package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// The types of Kubernetes that Swagger cannot describe: it says "string" of both.
const (
	intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
	quantity    = "io.k8s.apimachinery.pkg.api.resource.Quantity"
	definitions = "#/definitions/"
)

// fromSwagger returns the schemas of all kinds in Kubernetes' own description of its API. Each has with it the
// definitions that it refers to, so that each file stands alone.
func fromSwagger(name string) ([]schema, error) {
	content, err := os.ReadFile(name) // #nosec G304 -- in the module cache
	if err != nil {
		return nil, fmt.Errorf("read the API of Kubernetes: %w", err)
	}
	var swagger struct{ Definitions map[string]object }
	if err := json.Unmarshal(content, &swagger); err != nil {
		return nil, fmt.Errorf("read the API of Kubernetes: %w", err)
	}
	for name, definition := range swagger.Definitions {
		if name == intOrString || name == quantity {
			definition["type"] = []any{"string", "number"}
		}
		strict(definition)
	}
	var found []schema
	for name, definition := range swagger.Definitions {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // several kinds share one definition: options and lists of no use here
			continue
		}
		kind, _ := kinds[0].(object)
		s := schema{group: text(kind["group"]), version: text(kind["version"]), kind: text(kind["kind"])}
		if strings.HasSuffix(s.kind, "List") {
			continue
		}
		needed := map[string]object{}
		collect(swagger.Definitions, name, needed)
		s.content = object{"$ref": definitions + name, "definitions": needed}
		found = append(found, s)
	}
	return found, nil
}

// collect puts the definition called name and all that it refers to into needed.
func collect(all map[string]object, name string, needed map[string]object) {
	if _, seen := needed[name]; seen {
		return
	}
	needed[name] = all[name]
	walk(all[name], func(node object) {
		if ref := text(node["$ref"]); ref != "" {
			collect(all, strings.TrimPrefix(ref, definitions), needed)
		}
	})
}
