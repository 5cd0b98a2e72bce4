# What install.sh and uninstall.sh share: options, names, and how commands are run or only printed.
# It is sourced, and written for bash 3.2, which is what macOS has.
# shellcheck shell=bash
# shellcheck disable=SC2034 # much of what is set here is used by the scripts that source this

# Whatever can carry a tag gets these two. The first says that the scripts may use a thing, both
# together that uninstall.sh may remove it for this cluster.
readonly OWNER_TAG=created-by
readonly OWNER=aks-audit-log-go
readonly CLUSTER_TAG=for-cluster

readonly ROLE_HUB='Azure Event Hubs Data Receiver'
readonly ROLE_BLOBS='Storage Blob Data Contributor'
readonly HUB_RULE=diagnostics-send
readonly DIAGNOSTIC_SETTING=aks-audit-log-go
readonly FEDERATED_CREDENTIAL=aks-audit-log-go

# The options that both scripts take, with their defaults; those without one are derived by names.
RESOURCE_GROUP=''
CLUSTER=''
SUBSCRIPTION=''
TARGET_RESOURCE_GROUP=''
HUB_NAMESPACE=''
HUB=insights-logs-kube-audit
CONSUMER_GROUP=falco
STORAGE_ACCOUNT=''
CONTAINER=aks-audit-log-go
IDENTITY=''
RELEASE=aks-audit-log-go
KUBERNETES_NAMESPACE=aks-audit-log-go
KUBECONFIG_FILE=''
WITHOUT_HELM=no
SEND_ONLY=no
DRY_RUN=no
HELP=no
SETTINGS='--resource-group --cluster --subscription --target-resource-group --hub-namespace --hub --consumer-group
	--storage-account --container --identity --release --kubernetes-namespace --kubeconfig-file'
FLAGS='--without-helm --send-only --dry-run --help'

# Commands are printed here even where the standard output is being read by the script.
exec 3>&1

fail() {
	printf '%s: %s\n' "$PROGRAM" "$*" >&2
	exit 1
}

wrong_usage() {
	printf '%s: %s (%s --help lists the options)\n' "$PROGRAM" "$*" "$PROGRAM" >&2
	exit 2
}

lower() {
	printf '%s' "$1" | tr '[:upper:]' '[:lower:]'
}

# parse ARGUMENT...: --hub-namespace x, or --hub-namespace=x, sets HUB_NAMESPACE; a flag is set to yes.
parse() {
	local option variable
	while [ $# -gt 0 ]; do
		option=${1%%=*}
		variable=$(printf '%s' "${option#--}" | tr 'a-z-' 'A-Z_')
		if is_one_of "$1" "$FLAGS"; then
			printf -v "$variable" yes
			shift
		elif ! is_one_of "$option" "$SETTINGS"; then
			wrong_usage "unknown option $1"
		elif [ "$option" != "$1" ]; then
			printf -v "$variable" %s "${1#*=}"
			shift
		elif [ $# -ge 2 ]; then
			printf -v "$variable" %s "$2"
			shift 2
		else
			wrong_usage "$1 wants a value"
		fi
	done
}

is_one_of() {
	local word
	for word in $2; do
		[ "$1" != "$word" ] || return 0
	done
	return 1
}

# must_match OPTION VALUE PATTERN RULE: Azure would refuse the value much later, and less clearly.
must_match() {
	printf '%s' "$2" | LC_ALL=C grep -Eqx -- "$3" || wrong_usage "$1 '$2': it should be $4"
}

# quoted COMMAND...: the command as one would type it.
quoted() {
	# In variables: versions of bash differ in how they read a quote inside of ${...}.
	local word line='' quote="'" escaped="'\\''"
	for word; do
		case $word in
		'' | *[!A-Za-z0-9_@%+=:,./-]*) word="'${word//$quote/$escaped}'" ;;
		esac
		line="$line${line:+ }$word"
	done
	printf '%s\n' "$line"
}

# look COMMAND...: runs what only reads. A dry run shows it as a comment.
look() {
	local status=0
	[ "$DRY_RUN" = no ] || printf '# %s\n' "$(quoted "$@")" >&3
	"$@" || status=$?
	[ "$status" -eq 0 ] || failed "$status" "$@"
}

# change COMMAND...: runs what changes something. A dry run shows it and does nothing.
change() {
	local status=0
	quoted "$@" >&3
	[ "$DRY_RUN" = no ] || return 0
	"$@" || status=$?
	[ "$status" -eq 0 ] || failed "$status" "$@"
}

failed() {
	local status=$1
	shift
	fail "exit code $status from: $(quoted "$@")
Its own message is above. What was done before it stays; once the cause is gone, run this again: it goes on from there."
}

az_look() {
	look az "$@" --subscription "$SUBSCRIPTION" --only-show-errors --output tsv
}

az_change() {
	change az "$@" --subscription "$SUBSCRIPTION" --only-show-errors --output none
}

# check_tools TOOL...: says which are missing, all at once.
check_tools() {
	local tool missing=''
	for tool; do
		command -v "$tool" >/dev/null || missing="$missing $tool"
	done
	[ -z "$missing" ] || fail "not installed:$missing"
}

check_login() {
	local account
	[ "$DRY_RUN" = no ] || printf '# az account show --query id --output tsv\n'
	if ! account=$(az account show --query id --output tsv 2>/dev/null) || [ -z "$account" ]; then
		fail 'az is not logged in: run "az login" first'
	fi
	[ -n "$SUBSCRIPTION" ] || SUBSCRIPTION=$account
}

# names derives what was not given. A part of it is a check sum of the cluster's id: the names of Event Hubs
# namespaces and of storage accounts are shared by all of Azure, and clusters of one name are many.
# The rules: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
names() {
	local base sum
	TARGET_RESOURCE_GROUP=${TARGET_RESOURCE_GROUP:-$RESOURCE_GROUP}
	CLUSTER_ID=/subscriptions/$SUBSCRIPTION/resourceGroups/$RESOURCE_GROUP/providers/Microsoft.ContainerService/managedClusters/$CLUSTER
	CLUSTER_MARK=$(lower "$RESOURCE_GROUP/$CLUSTER")
	sum=$(lower "$CLUSTER_ID" | cksum | cut -d ' ' -f 1)
	sum=$(printf '%08x' "$sum")
	base=$(lower "$CLUSTER" | tr -cs 'a-z0-9\n' '-')
	base=$(printf '%.30s' "$base")
	HUB_NAMESPACE=${HUB_NAMESPACE:-aksaudit-${base%-}-$sum}
	STORAGE_ACCOUNT=${STORAGE_ACCOUNT:-aksaudit$(printf '%.8s' "${base//-/}")$sum}
	IDENTITY=${IDENTITY:-aks-audit-log-go-${base%-}-$sum}

	HUB_NAMESPACE_ID=/subscriptions/$SUBSCRIPTION/resourceGroups/$TARGET_RESOURCE_GROUP/providers/Microsoft.EventHub/namespaces/$HUB_NAMESPACE
	HUB_ID=$HUB_NAMESPACE_ID/eventhubs/$HUB
	HUB_RULE_ID=$HUB_NAMESPACE_ID/authorizationRules/$HUB_RULE
	STORAGE_ID=/subscriptions/$SUBSCRIPTION/resourceGroups/$TARGET_RESOURCE_GROUP/providers/Microsoft.Storage/storageAccounts/$STORAGE_ACCOUNT
	CONTAINER_ID=$STORAGE_ID/blobServices/default/containers/$CONTAINER
}

# check_names refuses upper case where Azure would take it, because KEDA and other readers of the
# checkpoints look for namespace, hub and consumer group in lower case.
check_names() {
	must_match --hub-namespace "$HUB_NAMESPACE" '[a-z][a-z0-9-]{4,48}[a-z0-9]' '6 to 50 lower-case letters, digits and dashes, beginning with a letter and not ending with a dash'
	must_match --hub "$HUB" '[a-z0-9]([a-z0-9._-]{0,254}[a-z0-9])?' '1 to 256 lower-case letters, digits, dots, dashes and underscores'
	must_match --consumer-group "$CONSUMER_GROUP" '[a-z0-9]([a-z0-9._-]{0,48}[a-z0-9])?' '1 to 50 lower-case letters, digits, dots, dashes and underscores'
	must_match --storage-account "$STORAGE_ACCOUNT" '[a-z0-9]{3,24}' '3 to 24 lower-case letters and digits'
	must_match --container "$CONTAINER" '[a-z0-9](-?[a-z0-9]){2,62}' '3 to 63 lower-case letters, digits and single dashes'
	must_match --identity "$IDENTITY" '[a-z0-9][a-z0-9_-]{2,127}' '3 to 128 lower-case letters, digits, dashes and underscores'
}

# look_for NAME COMMAND...: looks NAME up in a list of things that can have tags, and sets STATE to
#   missing   there is none of that name
#   ours      it has this script's tag, and was made for this cluster
#   shared    it has this script's tag, and was made for another cluster, or only tagged by hand
#   foreign   it has not
# Names are compared without regard to case, as Azure does. A list is asked for, because its failure can
# not be mistaken for "there is none".
look_for() {
	local wanted=$1 list name owner cluster
	shift
	STATE=missing
	list=$(az_look "$@" --query "[].[name, tags.\"$OWNER_TAG\", tags.\"$CLUSTER_TAG\"]")
	while IFS=$'\t' read -r name owner cluster; do
		[ "$(lower "$name")" = "$wanted" ] || continue
		STATE=foreign
		[ "$owner" != "$OWNER" ] || STATE=shared
		[ "$STATE" != shared ] || [ "$cluster" != "$CLUSTER_MARK" ] || STATE=ours
	done <<<"$list"
}

# look_in NAME COMMAND...: the same for what has no tags, being part of something that has: missing or there.
look_in() {
	local wanted=$1 list name
	shift
	STATE=missing
	list=$(az_look "$@" --query '[].name')
	while read -r name; do
		[ "$(lower "$name")" != "$wanted" ] || STATE=there
	done <<<"$list"
}

# look_for_diagnostic_setting sets STATE to missing, ours (it sends to the hub's namespace) or foreign.
# az answered with {"value": [...]} before it answered with a list.
look_for_diagnostic_setting() {
	local list name rule
	STATE=missing
	list=$(az_look monitor diagnostic-settings list --resource "$CLUSTER_ID" --query '(value || @)[].[name, eventHubAuthorizationRuleId]')
	while IFS=$'\t' read -r name rule; do
		[ "$(lower "$name")" = "$DIAGNOSTIC_SETTING" ] || continue
		STATE=foreign
		case $(lower "$rule") in
		"$(lower "$HUB_NAMESPACE_ID")"/*) STATE=ours ;;
		esac
	done <<<"$list"
}

# look_at_identity reads the two ids of an identity that is there: CLIENT_ID is what the pod signs in with,
# PRINCIPAL_ID what roles are given to.
look_at_identity() {
	local ids
	ids=$(az_look identity show --resource-group "$TARGET_RESOURCE_GROUP" --name "$IDENTITY" --query '[clientId, principalId]')
	{
		read -r CLIENT_ID
		read -r PRINCIPAL_ID
	} <<<"$ids"
}

# use_cluster makes kubectl and helm talk to the cluster that was named, whatever the current context is,
# and leaves the user's own kubeconfig alone.
use_cluster() {
	if [ -n "$KUBECONFIG_FILE" ]; then
		export KUBECONFIG=$KUBECONFIG_FILE
		return
	fi
	KUBE_FOLDER=$(mktemp -d)
	trap 'rm -rf "$KUBE_FOLDER"' EXIT
	export KUBECONFIG=$KUBE_FOLDER/config
	look az aks get-credentials --resource-group "$RESOURCE_GROUP" --name "$CLUSTER" --file "$KUBECONFIG" \
		--subscription "$SUBSCRIPTION" --only-show-errors >/dev/null
	# Clusters with Microsoft Entra ID want kubelogin; without this it would ask for a sign-in of its own.
	if grep -q kubelogin "$KUBECONFIG" 2>/dev/null; then
		check_tools kubelogin
		look kubelogin convert-kubeconfig --login azurecli
	fi
}

# look_for_release sets STATE to missing, ours (its values name this script's identity), broken (ours, but
# the last helm run did not end well) or foreign. CLIENT_ID has to be known; it is empty where there is no identity.
look_for_release() {
	local found values
	STATE=missing
	found=$(look helm list --namespace "$KUBERNETES_NAMESPACE" --filter "^$RELEASE\$" --all --short)
	[ -n "$found" ] || return 0
	STATE=foreign
	[ -n "$CLIENT_ID" ] || return 0
	values=$(look helm get values "$RELEASE" --namespace "$KUBERNETES_NAMESPACE" --output json)
	case $values in
	*"$CLIENT_ID"*) STATE=broken ;;
	*) return 0 ;;
	esac
	found=$(look helm list --namespace "$KUBERNETES_NAMESPACE" --filter "^$RELEASE\$" --deployed --short)
	[ -z "$found" ] || STATE=ours
}
