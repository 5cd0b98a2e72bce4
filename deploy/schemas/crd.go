package main

import (
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// fromCRD returns the schemas of the versions of a custom resource that the file defines.
func fromCRD(name string) ([]schema, error) {
	content, err := os.ReadFile(name) // #nosec G304 -- in the module cache
	if err != nil {
		return nil, fmt.Errorf("read a custom resource: %w", err)
	}
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema object `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(content, &crd); err != nil {
		return nil, fmt.Errorf("read a custom resource: %w", err)
	}
	var found []schema
	for _, version := range crd.Spec.Versions {
		strict(version.Schema.OpenAPIV3Schema)
		found = append(found, schema{
			group: crd.Spec.Group, version: version.Name, kind: crd.Spec.Names.Kind, content: version.Schema.OpenAPIV3Schema,
		})
	}
	return found, nil
}
