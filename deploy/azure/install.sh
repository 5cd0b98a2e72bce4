#!/usr/bin/env bash
# From an AKS cluster to its audit events in Falco: makes what is missing in Azure, then installs the Helm
# release. Each thing is looked up first, so that a second run changes nothing. README.md beside this file
# says what is made, and why so.
set -euo pipefail
PROGRAM=install.sh
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup.sh
. "$FOLDER/setup.sh"
# shellcheck source=make.sh
. "$FOLDER/make.sh"

CATEGORY=kube-audit
PARTITIONS=4
RETENTION_HOURS=168
THROUGHPUT_UNITS=1
MAX_THROUGHPUT_UNITS=0
LOCAL_AUTH=disabled
SINK_URL=http://falco-k8saudit-webhook.falco.svc.cluster.local:9765/k8s-audit
SERVICE_ACCOUNT=aks-audit-log-go
CHART=$FOLDER/../helm/aks-audit-log-go
CHART_VERSION=''
VALUES=''
IMAGE_REPOSITORY=''
IMAGE_TAG=''
ENABLE_WORKLOAD_IDENTITY=no
SETTINGS="$SETTINGS --category --partitions --retention-hours --throughput-units --max-throughput-units --local-auth
	--sink-url --service-account --chart --chart-version --values --image-repository --image-tag"
FLAGS="$FLAGS --enable-workload-identity"

help() {
	cat <<END
usage: install.sh --resource-group GROUP --cluster NAME [option value]...

Sends the audit log of an AKS cluster to an Event Hub and installs aks-audit-log-go, which brings it to Falco.
Without keys: the daemon signs in as a managed identity. It needs az (logged in), kubectl and helm.

  --resource-group GROUP         the cluster's resource group
  --cluster NAME                 the AKS cluster
  --dry-run                      print every command, the lookups as comments, and change nothing
  --enable-workload-identity     switch on the cluster's OIDC issuer and workload identity, if they are off

Event Hub
  --hub-namespace NAME           default: aksaudit-CLUSTER-CHECKSUM
  --hub NAME                     default: $HUB
  --consumer-group NAME          default: $CONSUMER_GROUP
  --category CATEGORY            kube-audit, or kube-audit-admin, which leaves out get and list; default: $CATEGORY
  --partitions N                 2 to 32; the limit to the replicas, not to be changed later; default: $PARTITIONS
  --retention-hours N            1 to 168: how long Falco may be away; default: $RETENTION_HOURS
  --throughput-units N           1 to 40, each 1 MB/s in; the namespace is billed by them; default: $THROUGHPUT_UNITS
  --max-throughput-units N       let Azure raise them up to N; it never lowers them; default: 0, it may not
  --local-auth disabled|enabled  whether the namespace takes keys beside Microsoft Entra ID; default: $LOCAL_AUTH
  --send-only                    only have the cluster send to the hub that a run for another cluster has made

Checkpoints and identity
  --storage-account NAME         default: aksauditCLUSTERCHECKSUM
  --container NAME               default: $CONTAINER
  --identity NAME                the managed identity; default: aks-audit-log-go-CLUSTER-CHECKSUM
  --target-resource-group GROUP  where these are made, and the hub; it has to exist; default: the cluster's
  --subscription ID              default: the one that az is set to

Helm release
  --release NAME                 default: $RELEASE
  --kubernetes-namespace NAME    default: $KUBERNETES_NAMESPACE
  --service-account NAME         default: $SERVICE_ACCOUNT
  --sink-url URL                 Falco's webhook; default: $SINK_URL
  --chart CHART                  default: the chart beside this folder
  --chart-version VERSION        for a chart that comes from a registry
  --values FILE                  more values for the chart
  --image-repository REPOSITORY  the image with its registry, such as your own; default: the chart's
  --image-tag TAG                default: the chart's
  --kubeconfig-file FILE         default: az fetches the cluster's into a temporary file
  --without-helm                 only what is in Azure
END
}

check_options() {
	[ -n "$RESOURCE_GROUP" ] || wrong_usage '--resource-group is missing'
	[ -n "$CLUSTER" ] || wrong_usage '--cluster is missing'
	must_match --category "$CATEGORY" 'kube-audit|kube-audit-admin' 'kube-audit or kube-audit-admin'
	must_match --partitions "$PARTITIONS" '[2-9]|[12][0-9]|3[0-2]' 'a number from 2 to 32'
	must_match --retention-hours "$RETENTION_HOURS" '[1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8]' 'a number from 1 to 168'
	must_match --throughput-units "$THROUGHPUT_UNITS" '[1-9]|[1-3][0-9]|40' 'a number from 1 to 40'
	must_match --max-throughput-units "$MAX_THROUGHPUT_UNITS" '[0-9]|[1-3][0-9]|40' 'a number from 0 to 40'
	must_match --local-auth "$LOCAL_AUTH" 'disabled|enabled' 'disabled or enabled'
	must_match --sink-url "$SINK_URL" 'https?://[^/[:space:]]+.*' 'an http:// or https:// URL'
	[ "$SEND_ONLY" = no ] || [ -n "$HUB_NAMESPACE" ] || wrong_usage '--send-only wants the --hub-namespace to send to'
	[ "$SEND_ONLY" = no ] || WITHOUT_HELM=yes
}

# An az from before 2024 has --message-retention in its place, and fails in the middle.
check_az() {
	local text
	text=$(look az eventhubs eventhub create --help)
	case $text in
	*--retention-time-in-hours*) ;;
	*) fail 'this az is too old: it cannot set the retention of an event hub in hours ("az upgrade")' ;;
	esac
}

# look_at_cluster also enables what identity needs, if it may.
look_at_cluster() {
	local facts workload
	facts=$(az_look aks show --resource-group "$RESOURCE_GROUP" --name "$CLUSTER" \
		--query '[location, oidcIssuerProfile.issuerUrl, securityProfile.workloadIdentity.enabled]')
	{
		read -r LOCATION
		read -r ISSUER
		read -r workload
	} <<<"$facts"
	[ "$SEND_ONLY" = no ] || return 0
	case $ISSUER/$(lower "$workload") in
	http*/true) return ;;
	esac
	local enable=(aks update --resource-group "$RESOURCE_GROUP" --name "$CLUSTER" --enable-oidc-issuer --enable-workload-identity)
	[ "$ENABLE_WORKLOAD_IDENTITY" = yes ] || fail "the cluster has no OIDC issuer, or its workload identity is off. Run this, or give --enable-workload-identity:
  $(quoted az "${enable[@]}" --subscription "$SUBSCRIPTION")"
	ENABLE=("${enable[@]}")
}

# look_around finds out what is there, and refuses before anything is changed.
look_around() {
	local in_group=(--resource-group "$TARGET_RESOURCE_GROUP")
	look_for "$HUB_NAMESPACE" eventhubs namespace list "${in_group[@]}"
	NAMESPACE_STATE=$STATE
	refuse_foreign "the Event Hubs namespace $HUB_NAMESPACE" --hub-namespace
	if [ "$SEND_ONLY" = yes ] && [ "$NAMESPACE_STATE" = missing ]; then
		fail "there is no Event Hubs namespace $HUB_NAMESPACE in the resource group $TARGET_RESOURCE_GROUP; --send-only makes none"
	fi
	look_for_diagnostic_setting
	SETTING_STATE=$STATE
	[ "$SETTING_STATE" != foreign ] || fail "the cluster has a diagnostic setting $DIAGNOSTIC_SETTING that sends to another place than the
namespace $HUB_NAMESPACE. install.sh does not touch it: remove it, or name its namespace with --hub-namespace."
	[ "$SEND_ONLY" = no ] || return 0

	look_for "$STORAGE_ACCOUNT" storage account list "${in_group[@]}"
	STORAGE_STATE=$STATE
	refuse_foreign "the storage account $STORAGE_ACCOUNT" --storage-account
	look_for "$IDENTITY" identity list "${in_group[@]}"
	IDENTITY_STATE=$STATE
	refuse_foreign "the managed identity $IDENTITY" --identity
	[ "$IDENTITY_STATE" = missing ] || look_at_identity
	[ "$WITHOUT_HELM" = yes ] || look_into_cluster
}

refuse_foreign() {
	[ "$STATE" != foreign ] || fail "$1 in the resource group $TARGET_RESOURCE_GROUP was not made by install.sh: it lacks the tag $OWNER_TAG=$OWNER.
It is not touched. Give another name with $2, or set the tag yourself if install.sh may use it."
}

look_into_cluster() {
	use_cluster
	look_for_release
	RELEASE_STATE=$STATE
	[ "$RELEASE_STATE" != foreign ] || fail "the Helm release $RELEASE in the namespace $KUBERNETES_NAMESPACE was not made by install.sh: its values do not name the
managed identity $IDENTITY. It is not touched. Give another name with --release, or upgrade it yourself with helm."
	[ "$RELEASE_STATE" != broken ] || refuse_pending
	look_for_sink
}

# refuse_pending: helm takes a release that was left in the middle for one that somebody else is at, and refuses it for ever.
refuse_pending() {
	local pending in_namespace=(--namespace "$KUBERNETES_NAMESPACE")
	pending=$(look helm list "${in_namespace[@]}" --filter "^$RELEASE\$" --pending --short)
	[ -z "$pending" ] || fail "a helm run on the release $RELEASE goes on, or was cut off. If nobody is at it, take it back, and run this again:
  $(quoted helm rollback "$RELEASE" "${in_namespace[@]}")
or, if it never was deployed (helm history), which removes nothing but the release:
  $(quoted helm uninstall "$RELEASE" "${in_namespace[@]}")"
}

# check_image refuses to install what no node could start: in a chart that is no release's the image has no registry, and
# without one nodes look for it on Docker Hub. A dry run only warns.
check_image() {
	[ "$WITHOUT_HELM" = no ] && [ "$RELEASE_STATE" != ours ] && [ -z "$IMAGE_REPOSITORY$VALUES" ] || return 0
	grep -qs '^  registry: ""$' "$CHART/values.yaml" || return 0
	local what='the chart names no registry for its image. Build the image and push it to a registry that the cluster may pull from, in the root of this repository:
  az acr build --registry MY_REGISTRY --image aks-audit-log-go:1 --build-arg VERSION=1 .
  az aks update --resource-group MY_GROUP --name MY_CLUSTER --attach-acr MY_REGISTRY
and give --image-repository MY_REGISTRY.azurecr.io/aks-audit-log-go --image-tag 1'
	[ "$DRY_RUN" = yes ] || fail "$what"
	printf '%s: warning: %s\n' "$PROGRAM" "$what" >&2
}

# look_for_sink only warns: Falco may come later, the Event Hub keeps the events until then.
look_for_sink() {
	local host service namespace rest found
	host=${SINK_URL#*://}
	host=${host%%[:/]*}
	IFS=. read -r service namespace rest <<<"$host"
	case $rest in
	svc | svc.*) ;;
	*) return 0 ;;
	esac
	found=$(look kubectl get service "$service" --namespace "$namespace" --ignore-not-found --output name)
	[ -n "$found" ] || printf '%s: warning: the cluster has no Service %s in the namespace %s, which --sink-url names; events wait in the Event Hub until it has\n' \
		"$PROGRAM" "$service" "$namespace" >&2
}

say_what_to_look_at() {
	cat <<END

Done. Azure Monitor begins to send within minutes, at most 90; new roles are known everywhere within 10, until when the
daemon says in its log that it is not authorised, and tries again. Whether events arrive in the hub:
  $(quoted az monitor metrics list --resource "$HUB_NAMESPACE_ID" --metric IncomingMessages --interval PT5M --output table)
If none has after 90 minutes, see "No events arrive" in deploy/azure/README.md.
END
	[ "$WITHOUT_HELM" = yes ] || [ "$RELEASE_STATE" != ours ] || cat <<END
The Helm release $RELEASE was there and is as it was: another version, image or value is a matter of "helm upgrade" (README.md).
END
	[ "$WITHOUT_HELM" = yes ] || cat <<END
Whether they get to Falco:
  $(quoted kubectl --namespace "$KUBERNETES_NAMESPACE" logs --selector "app.kubernetes.io/instance=$RELEASE" --tail 20)
END
}

parse "$@"
if [ "$HELP" = yes ]; then
	help
	exit
fi
check_options
check_tools az
[ "$WITHOUT_HELM" = yes ] || check_tools kubectl helm
check_login
names
check_names
check_az
ENABLE=()
CLIENT_ID=''
look_at_cluster
look_around
check_image

enable_workload_identity
make_hub
if [ "$SEND_ONLY" = no ]; then
	make_storage
	make_identity
fi
make_diagnostic_setting
if [ "$WITHOUT_HELM" = no ]; then
	install_release
fi
[ "$DRY_RUN" = yes ] || say_what_to_look_at
