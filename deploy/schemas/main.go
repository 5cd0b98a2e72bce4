// Command schemas writes a JSON schema for each kind of object that the chart can make, in the form that kubeconform
// reads: -out/<group>/<kind>-<version>.json, where the group of the core kinds is their version. They are made of what
// the projects publish in their Go modules, at pinned versions, so that a check needs the Go module proxy and nothing
// else.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The modules that the schemas are made of. Kubernetes has the version that AKS is at, roughly.
const (
	kubernetes = "k8s.io/kubernetes@v1.34.2"
	prometheus = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
	keda       = "github.com/kedacore/keda/v2@v2.21.0"
)

// crds are the definitions of custom resources that the chart has, by the module that they are in.
var crds = map[string][]string{
	prometheus: {
		"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
	},
	keda: {
		"config/crd/bases/keda.sh_scaledobjects.yaml",
		"config/crd/bases/keda.sh_triggerauthentications.yaml",
	},
}

// groupsAlike are API groups whose kinds are those of another group. Those of Azure Monitor are:
// https://learn.microsoft.com/azure/azure-monitor/containers/prometheus-metrics-scrape-crd
var groupsAlike = map[string]string{"monitoring.coreos.com": "azmonitoring.coreos.com"}

func main() {
	out := flag.String("out", "bin/schemas", "the folder to write to")
	flag.Parse()
	if err := run(context.Background(), *out); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	dir, err := download(ctx, kubernetes)
	if err != nil {
		return err
	}
	found, err := fromSwagger(filepath.Join(dir, "api/openapi-spec/swagger.json"))
	if err != nil {
		return err
	}
	for module, files := range crds {
		dir, err := download(ctx, module)
		if err != nil {
			return err
		}
		for _, file := range files {
			schemas, err := fromCRD(filepath.Join(dir, file))
			if err != nil {
				return err
			}
			found = append(found, schemas...)
		}
	}
	for _, schema := range found {
		if err := schema.write(out); err != nil {
			return err
		}
	}
	return nil
}

// download has the module in the module cache, checked against the checksum database, and returns its folder.
func download(ctx context.Context, module string) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module).Output() // #nosec G204 -- a constant of this file
	var answer struct{ Dir, Error string }
	if decodeErr := json.Unmarshal(output, &answer); decodeErr != nil {
		return "", fmt.Errorf("download %s: %w", module, errors.Join(err, decodeErr))
	}
	if answer.Error != "" {
		return "", fmt.Errorf("download %s: %s", module, answer.Error)
	}
	return answer.Dir, nil
}

// object is a JSON object.
type object = map[string]any

// schema is that of one kind.
type schema struct {
	group, version, kind string
	content              object
}

// write writes it where kubeconform looks for it, and again for a group that is alike.
func (s schema) write(out string) error {
	content, err := json.Marshal(s.content)
	if err != nil {
		return fmt.Errorf("schema of %s: %w", s.kind, err)
	}
	groups := []string{s.group}
	if alike, ok := groupsAlike[s.group]; ok {
		groups = append(groups, alike)
	}
	for _, group := range groups {
		if group == "" {
			group = s.version // kubeconform takes what is before the slash in apiVersion
		}
		dir := filepath.Join(out, group)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("schema of %s: %w", s.kind, err)
		}
		name := filepath.Join(dir, fmt.Sprintf("%s-%s.json", strings.ToLower(s.kind), s.version))
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("schema of %s: %w", s.kind, err)
		}
	}
	return nil
}
