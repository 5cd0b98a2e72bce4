#!/usr/bin/env bash
# Renders deploy/kubernetes.yaml, the manifest for those without Helm, from the chart: manifest.sh [IMAGE_TAG] > kubernetes.yaml
# IMAGE_REGISTRY is the registry of the image, such as ghcr.io/owner; without it the reader has to name one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

image='Replace the image by yours.'
[ -z "${IMAGE_REGISTRY:-}" ] || image='The image is that of the release; replace it where the cluster may not pull it.'

cat <<END
# aks-audit-log-go without Helm, in the namespace falco: rendered from the chart in helm/aks-audit-log-go by "make manifest".
#
# 1. $image
# 2. Look through the ConfigMap: the hub's and the container's name, Falco's URL, and what else docs/configuration.md has.
# 3. Make the Secret with the two connection strings:
#    kubectl -n falco create secret generic aks-audit-log-go \\
#      --from-literal=EHUBNAMESPACECONNECTIONSTRING="\$HUB_CONNECTION" --from-literal=BLOBSTORAGECONNECTIONSTRING="\$STORAGE_CONNECTION"
# 4. kubectl apply -f kubernetes.yaml
END
# What only Helm needs is left out: its labels, and where each object comes from. The image's tag is the chart's appVersion.
"${HELM:-../bin/helm}" template aks-audit-log-go helm/aks-audit-log-go --namespace falco --kube-version 1.34.2 --skip-tests \
	--values manifest-values.yaml ${1:+--set-string image.tag="$1"} \
	${IMAGE_REGISTRY:+--set-string image.registry="$IMAGE_REGISTRY"} |
	sed -e '/^# Source: /d' -e '/^ *helm\.sh\/chart: /d' -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d' \
		${1:+-e "s,^\( *app\.kubernetes\.io/version: \).*,\1\"$1\","}
