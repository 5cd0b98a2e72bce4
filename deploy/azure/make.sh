# What install.sh makes, thing by thing, once it has looked around. It is sourced.
# shellcheck shell=bash
# shellcheck disable=SC2154 # install.sh and setup.sh set what is used here

# Roles and new identities take a while until all of Azure knows them.
readonly ROLE_TRIES=30
ROLE_RETRY_SECONDS=${ROLE_RETRY_SECONDS:-10}

enable_workload_identity() {
	[ "${#ENABLE[@]}" -gt 0 ] || return 0
	az_change "${ENABLE[@]}"
	if [ "$DRY_RUN" = yes ]; then
		ISSUER="<the cluster's OIDC issuer>"
		return
	fi
	ISSUER=$(az_look aks show --resource-group "$RESOURCE_GROUP" --name "$CLUSTER" --query oidcIssuerProfile.issuerUrl)
}

make_hub() {
	local in_namespace=(--resource-group "$TARGET_RESOURCE_GROUP" --namespace-name "$HUB_NAMESPACE")
	local inflate=() local_auth_off=true
	[ "$LOCAL_AUTH" = disabled ] || local_auth_off=false
	[ "$MAX_THROUGHPUT_UNITS" -eq 0 ] || inflate=(--enable-auto-inflate true --maximum-throughput-units "$MAX_THROUGHPUT_UNITS")
	if [ "$NAMESPACE_STATE" = missing ]; then
		# ${inflate[@]+...}: bash before 4.4 calls an empty array unset.
		az_change eventhubs namespace create --resource-group "$TARGET_RESOURCE_GROUP" --name "$HUB_NAMESPACE" --location "$LOCATION" \
			--sku Standard --capacity "$THROUGHPUT_UNITS" ${inflate[@]+"${inflate[@]}"} \
			--minimum-tls-version 1.2 --disable-local-auth "$local_auth_off" --tags "$OWNER_TAG=$OWNER" "$CLUSTER_TAG=$CLUSTER_MARK"
	fi
	make_in "$NAMESPACE_STATE" "$HUB" "${in_namespace[@]}" -- eventhubs eventhub -- \
		--partition-count "$PARTITIONS" --cleanup-policy Delete --retention-time-in-hours "$RETENTION_HOURS"
	make_in "$STATE" "$CONSUMER_GROUP" "${in_namespace[@]}" --eventhub-name "$HUB" -- eventhubs eventhub consumer-group -- \
		--user-metadata "$OWNER_TAG=$OWNER"
	make_in "$NAMESPACE_STATE" "$HUB_RULE" "${in_namespace[@]}" -- eventhubs namespace authorization-rule -- --rights Send
}

make_storage() {
	if [ "$STORAGE_STATE" = missing ]; then
		az_change storage account create --resource-group "$TARGET_RESOURCE_GROUP" --name "$STORAGE_ACCOUNT" --location "$LOCATION" \
			--sku Standard_LRS --kind StorageV2 --min-tls-version TLS1_2 --https-only true --allow-blob-public-access false \
			--allow-shared-key-access false --tags "$OWNER_TAG=$OWNER" "$CLUSTER_TAG=$CLUSTER_MARK"
	fi
	# container-rm asks the resource manager; "az storage container" would want a data role of whoever runs this.
	make_in "$STORAGE_STATE" "$CONTAINER" --resource-group "$TARGET_RESOURCE_GROUP" --storage-account "$STORAGE_ACCOUNT" -- storage container-rm --
}

make_identity() {
	if [ "$IDENTITY_STATE" = missing ]; then
		az_change identity create --resource-group "$TARGET_RESOURCE_GROUP" --name "$IDENTITY" --location "$LOCATION" \
			--tags "$OWNER_TAG=$OWNER" "$CLUSTER_TAG=$CLUSTER_MARK"
		if [ "$DRY_RUN" = yes ]; then
			CLIENT_ID="<the identity's client id>"
			PRINCIPAL_ID="<the identity's principal id>"
		else
			look_at_identity
		fi
	fi
	make_in "$IDENTITY_STATE" "$FEDERATED_CREDENTIAL" --resource-group "$TARGET_RESOURCE_GROUP" --identity-name "$IDENTITY" -- \
		identity federated-credential -- --issuer "$ISSUER" \
		--subject "system:serviceaccount:$KUBERNETES_NAMESPACE:$SERVICE_ACCOUNT" --audiences api://AzureADTokenExchange
	give_role "$ROLE_HUB" "$HUB_ID"
	give_role "$ROLE_BLOBS" "$CONTAINER_ID"
}

# make_in PARENT NAME WHERE... -- AZ-GROUP... -- OPTIONS...: makes a part of something, unless it is there. It sets STATE
# to what it found. PARENT is the state of what it is a part of: in something new it needs not be looked up.
make_in() {
	local parent=$1 name=$2 where=() group=()
	shift 2
	while [ "$1" != -- ]; do where+=("$1"); shift; done
	shift
	while [ "$1" != -- ]; do group+=("$1"); shift; done
	shift
	STATE=missing
	[ "$parent" = missing ] || look_in "$name" "${group[@]}" list "${where[@]}"
	[ "$STATE" = there ] || az_change "${group[@]}" create "${where[@]}" --name "$name" "$@"
}

# give_role tries again while Azure does not know the new identity everywhere; every other failure is one.
give_role() {
	local role=$1 scope=$2 found try message
	if [ "$IDENTITY_STATE" != missing ]; then
		found=$(az_look role assignment list --assignee "$PRINCIPAL_ID" --role "$role" --scope "$scope" --query '[].id')
		[ -z "$found" ] || return 0
	fi
	# The type of the principal spares az a lookup in the directory, which fails for the newest.
	local give=(az role assignment create --assignee-object-id "$PRINCIPAL_ID" --assignee-principal-type ServicePrincipal
		--role "$role" --scope "$scope" --subscription "$SUBSCRIPTION" --only-show-errors --output none)
	quoted "${give[@]}"
	[ "$DRY_RUN" = no ] || return 0
	for ((try = 1; ; try++)); do
		if message=$("${give[@]}" 2>&1); then
			return 0
		fi
		case $message in
		*PrincipalNotFound* | *'does not exist in the directory'*) [ "$try" -lt "$ROLE_TRIES" ] && sleep "$ROLE_RETRY_SECONDS" && continue ;;
		esac
		printf '%s\n' "$message" >&2
		failed 1 "${give[@]}"
	done
}

make_diagnostic_setting() {
	[ "$SETTING_STATE" = missing ] || return 0
	az_change monitor diagnostic-settings create --resource "$CLUSTER_ID" --name "$DIAGNOSTIC_SETTING" --event-hub "$HUB" \
		--event-hub-rule "$HUB_RULE_ID" --logs "[{\"category\":\"$CATEGORY\",\"enabled\":true}]"
}

# look_at_endpoints asks Azure, since the domains differ from cloud to cloud.
look_at_endpoints() {
	HUB_HOST=$HUB_NAMESPACE.servicebus.windows.net
	BLOB_URL=https://$STORAGE_ACCOUNT.blob.core.windows.net
	[ "$DRY_RUN" = no ] || return 0
	HUB_HOST=$(az_look eventhubs namespace show --resource-group "$TARGET_RESOURCE_GROUP" --name "$HUB_NAMESPACE" --query serviceBusEndpoint)
	HUB_HOST=${HUB_HOST#*://}
	HUB_HOST=$(lower "${HUB_HOST%%[:/]*}")
	BLOB_URL=$(az_look storage account show --resource-group "$TARGET_RESOURCE_GROUP" --name "$STORAGE_ACCOUNT" --query primaryEndpoints.blob)
	BLOB_URL=${BLOB_URL%/}
}

install_release() {
	case $RELEASE_STATE in
	ours) return 0 ;;
	esac
	local chart=("$CHART")
	[ -z "$CHART_VERSION" ] || chart+=(--version "$CHART_VERSION")
	[ -z "$VALUES" ] || chart+=(--values "$VALUES")
	# The chart of a release names a registry, which would come before it.
	[ -z "$IMAGE_REPOSITORY" ] || chart+=(--set-string image.registry= --set-string "image.repository=$IMAGE_REPOSITORY")
	[ -z "$IMAGE_TAG" ] || chart+=(--set-string "image.tag=$IMAGE_TAG")
	look_at_endpoints
	change helm upgrade --install "$RELEASE" "${chart[@]}" --namespace "$KUBERNETES_NAMESPACE" --create-namespace \
		--set-string "serviceAccount.name=$SERVICE_ACCOUNT" \
		--set workloadIdentity.enabled=true \
		--set-string "workloadIdentity.clientId=$CLIENT_ID" \
		--set-string "config.EVENTHUBNAMESPACE=$HUB_HOST" \
		--set-string "config.EVENTHUBNAME=$HUB" \
		--set-string "config.EVENTHUBCONSUMERGROUP=$CONSUMER_GROUP" \
		--set-string "config.BLOBSTORAGEURL=$BLOB_URL" \
		--set-string "config.BLOBCONTAINERNAME=$CONTAINER" \
		--set-string "config.WEBSINKURL=$SINK_URL"
}
