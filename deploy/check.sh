#!/usr/bin/env bash
# Checks the Helm chart, the plain manifest and the Terraform module without a cluster: "make chart", which installs
# the tools at pinned versions.
# HELM, KUBECONFORM, HELM_DOCS and SCHEMAS say where they are; by default all in bin/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export HELM=${HELM:-$PWD/bin/helm} KUBECONFORM=${KUBECONFORM:-$PWD/bin/kubeconform} SCHEMAS=${SCHEMAS:-$PWD/bin/schemas}
helm_docs=${HELM_DOCS:-$PWD/bin/helm-docs}
chart=deploy/helm/aks-audit-log-go
kube_version=1.34.2

# Strict: a field that is not in the schema is an error, and so is a kind without a schema.
conform() {
	"$KUBECONFORM" -strict -summary -schema-location "$SCHEMAS/{{ .Group }}/{{ .ResourceKind }}-{{ .ResourceAPIVersion }}.json" "$@"
}

for values in "$chart"/ci/*.yaml; do
	echo "-- $values"
	"$HELM" lint --strict --quiet --kube-version "$kube_version" --values "$values" "$chart"
	"$HELM" template release "$chart" --namespace falco --kube-version "$kube_version" --values "$values" | conform
done

echo "-- deploy/kubernetes.yaml"
deploy/manifest.sh | diff -u deploy/kubernetes.yaml - || { echo "deploy/kubernetes.yaml is not what the chart renders: make manifest" >&2; exit 1; }
conform deploy/kubernetes.yaml

echo "-- $chart/README.md"
"$helm_docs" --log-level error --dry-run --chart-search-root "$chart" |
	diff -u "$chart/README.md" - || { echo "$chart/README.md does not agree with values.yaml: make chart-docs" >&2; exit 1; }

echo "-- deploy/terraform"
# Few machines have terraform. A Go test in deploy/azure checks the format everywhere, by terraform's own library.
if command -v terraform >/dev/null; then
	terraform fmt -check -diff -recursive deploy/terraform
fi
go test -count 1 -run 'Terraform|Module' ./deploy/azure/

go test -count 1 -tags chart ./deploy/
