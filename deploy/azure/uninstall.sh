#!/usr/bin/env bash
# Removes what install.sh has made for a cluster, and nothing else: only what carries its tags, and what is a
# part of that. It lists it first, and asks.
set -euo pipefail
PROGRAM=uninstall.sh
FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=setup.sh
. "$FOLDER/setup.sh"

YES=no
KEEP_DATA=no
FLAGS="$FLAGS --yes --keep-data"

help() {
	cat <<END
usage: uninstall.sh --resource-group GROUP --cluster NAME [option value]...

Removes what install.sh made for a cluster: the Helm release, the diagnostic setting, the managed identity with its
roles, the storage account and the Event Hubs namespace. Give it the names that install.sh was given.

  --resource-group GROUP         the cluster's resource group
  --cluster NAME                 the AKS cluster; it need not exist any more
  --dry-run                      print every command, the lookups as comments, and remove nothing
  --yes                          do not ask
  --keep-data                    leave the namespace and the storage account: events that nobody has read yet,
                                 checkpoints and dead letters are in them
  --send-only                    only remove the diagnostic setting, as install.sh --send-only made it
  --without-helm                 leave the Helm release
  --target-resource-group, --subscription, --hub-namespace, --storage-account, --container, --hub, --identity, --release,
  --kubernetes-namespace, --kubeconfig-file
                                 as for install.sh
END
}

# look_around sets what is to be removed, and says what is left alone.
look_around() {
	local in_group=(--resource-group "$TARGET_RESOURCE_GROUP") clusters
	NAMESPACE_STATE=missing STORAGE_STATE=missing IDENTITY_STATE=missing SETTING_STATE=missing RELEASE_STATE=missing
	look_for "$HUB_NAMESPACE" eventhubs namespace list "${in_group[@]}"
	NAMESPACE_STATE=$STATE
	clusters=$(az_look aks list --resource-group "$RESOURCE_GROUP" --query '[].name')
	CLUSTER_STATE=missing
	if contains_line "$clusters" "$CLUSTER"; then
		CLUSTER_STATE=there
		look_for_diagnostic_setting
		SETTING_STATE=$STATE
	fi
	[ "$SEND_ONLY" = no ] || return 0

	look_for "$STORAGE_ACCOUNT" storage account list "${in_group[@]}"
	STORAGE_STATE=$STATE
	look_for "$IDENTITY" identity list "${in_group[@]}"
	IDENTITY_STATE=$STATE
	[ "$IDENTITY_STATE" = missing ] || look_at_identity
	if [ "$CLUSTER_STATE" = there ] && [ "$WITHOUT_HELM" = no ]; then
		use_cluster
		look_for_release
		RELEASE_STATE=$STATE
	fi
}

contains_line() {
	local line
	while read -r line; do
		[ "$(lower "$line")" != "$(lower "$2")" ] || return 0
	done <<<"$1"
	return 1
}

# decide STATE WHAT: says what becomes of a thing, and sets REMOVE to yes or no.
decide() {
	REMOVE=no
	case $1 in
	missing) printf '  not there  %s\n' "$2" ;;
	ours | broken)
		printf '  remove     %s\n' "$2"
		REMOVE=yes
		;;
	shared) printf '  leave      %s: install.sh made it for another cluster, or somebody else did\n' "$2" ;;
	*) printf '  leave      %s: install.sh did not make it\n' "$2" ;;
	esac
}

# plan shows all of it, and sets what is then done.
plan() {
	local where="in the resource group $TARGET_RESOURCE_GROUP"
	REMOVE_RELEASE=no REMOVE_IDENTITY=no REMOVE_STORAGE=no REMOVE_NAMESPACE=no
	[ "$CLUSTER_STATE" = there ] || printf 'There is no cluster %s in the resource group %s (any more).\n' "$CLUSTER" "$RESOURCE_GROUP"
	decide "$SETTING_STATE" "the cluster's diagnostic setting $DIAGNOSTIC_SETTING"
	REMOVE_SETTING=$REMOVE
	[ "$SEND_ONLY" = no ] || return 0
	if [ "$WITHOUT_HELM" = no ]; then
		decide "$RELEASE_STATE" "the Helm release $RELEASE in the Kubernetes namespace $KUBERNETES_NAMESPACE"
		REMOVE_RELEASE=$REMOVE
	fi
	decide "$IDENTITY_STATE" "the managed identity $IDENTITY with its two roles, $where"
	REMOVE_IDENTITY=$REMOVE
	if [ "$KEEP_DATA" = yes ]; then
		printf '  leave      the storage account %s and the Event Hubs namespace %s: --keep-data\n' "$STORAGE_ACCOUNT" "$HUB_NAMESPACE"
		return
	fi
	decide "$STORAGE_STATE" "the storage account $STORAGE_ACCOUNT with checkpoints and DEAD LETTERS, $where"
	REMOVE_STORAGE=$REMOVE
	decide "$NAMESPACE_STATE" "the Event Hubs namespace $HUB_NAMESPACE with ALL EVENTS in it, of every cluster that sends there, $where"
	REMOVE_NAMESPACE=$REMOVE
}

confirm() {
	local answer
	[ "$YES" = no ] || return 0
	[ "$DRY_RUN" = no ] || return 0
	printf 'Remove what is listed? It cannot be undone. Type yes: '
	read -r answer || answer=''
	[ "$answer" = yes ] || fail 'nothing was removed'
}

# remove goes against the flow: the daemon first, so that it does not run into what goes away.
remove() {
	local in_group=(--resource-group "$TARGET_RESOURCE_GROUP")
	if [ "$REMOVE_RELEASE" = yes ]; then
		change helm uninstall "$RELEASE" --namespace "$KUBERNETES_NAMESPACE" --wait
	fi
	if [ "$REMOVE_SETTING" = yes ]; then
		az_change monitor diagnostic-settings delete --resource "$CLUSTER_ID" --name "$DIAGNOSTIC_SETTING"
	fi
	if [ "$REMOVE_IDENTITY" = yes ]; then
		take_role "$ROLE_HUB" "$HUB_ID" "$NAMESPACE_STATE"
		take_role "$ROLE_BLOBS" "$CONTAINER_ID" "$STORAGE_STATE"
		az_change identity delete "${in_group[@]}" --name "$IDENTITY"
	fi
	if [ "$REMOVE_STORAGE" = yes ]; then
		az_change storage account delete "${in_group[@]}" --name "$STORAGE_ACCOUNT" --yes
	fi
	if [ "$REMOVE_NAMESPACE" = yes ]; then
		az_change eventhubs namespace delete "${in_group[@]}" --name "$HUB_NAMESPACE"
	fi
}

# take_role takes back what the identity may do; else "identity not found" would stay in the list of those who may.
take_role() {
	local found
	[ "$3" != missing ] || return 0
	found=$(az_look role assignment list --assignee "$PRINCIPAL_ID" --role "$1" --scope "$2" --query '[].id')
	[ -z "$found" ] || az_change role assignment delete --assignee "$PRINCIPAL_ID" --role "$1" --scope "$2"
}

parse "$@"
if [ "$HELP" = yes ]; then
	help
	exit
fi
[ -n "$RESOURCE_GROUP" ] || wrong_usage '--resource-group is missing'
[ -n "$CLUSTER" ] || wrong_usage '--cluster is missing'
[ "$SEND_ONLY" = no ] || WITHOUT_HELM=yes
check_tools az
[ "$WITHOUT_HELM" = yes ] || check_tools kubectl helm
check_login
names
check_names
CLIENT_ID=''
look_around
plan
case "$REMOVE_RELEASE$REMOVE_SETTING$REMOVE_IDENTITY$REMOVE_STORAGE$REMOVE_NAMESPACE" in
*yes*)
	confirm
	remove
	;;
*) printf 'There is nothing to remove.\n' ;;
esac
