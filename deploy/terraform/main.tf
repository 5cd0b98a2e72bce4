# The audit log of one AKS cluster on its way to the daemon: the same resources as ../azure/install.sh makes.

locals {
  cluster = regex("(?i)/resourceGroups/([^/]+)/providers/Microsoft.ContainerService/managedClusters/([^/]+)$", var.cluster_id)

  # The check sum keeps clusters of one name apart. install.sh has another one (cksum), which Terraform cannot compute.
  base     = substr(replace(lower(local.cluster[1]), "/[^a-z0-9]+/", "-"), 0, 30)
  checksum = substr(sha256(lower(var.cluster_id)), 0, 8)

  event_hub_namespace_name = coalesce(var.event_hub_namespace_name, "aksaudit-${trimsuffix(local.base, "-")}-${local.checksum}")
  storage_account_name     = coalesce(var.storage_account_name, "aksaudit${substr(replace(local.base, "-", ""), 0, 8)}${local.checksum}")
  identity_name            = coalesce(var.identity_name, "aks-audit-log-go-${trimsuffix(local.base, "-")}-${local.checksum}")

  # install.sh may use what has this tag. Without a tag for-cluster, uninstall.sh leaves it alone.
  tags = merge(var.tags, { created-by = "aks-audit-log-go" })
}

# Standard: Basic has no consumer groups but $Default.
resource "azurerm_eventhub_namespace" "this" {
  name                         = local.event_hub_namespace_name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  sku                          = "Standard"
  capacity                     = var.throughput_units
  auto_inflate_enabled         = var.maximum_throughput_units > 0
  maximum_throughput_units     = var.maximum_throughput_units > 0 ? var.maximum_throughput_units : null
  minimum_tls_version          = "1.2"
  local_authentication_enabled = var.local_authentication_enabled
  tags                         = local.tags
}

resource "azurerm_eventhub" "this" {
  name            = var.event_hub_name
  namespace_id    = azurerm_eventhub_namespace.this.id
  partition_count = var.partition_count

  retention_description {
    cleanup_policy          = "Delete"
    retention_time_in_hours = var.retention_hours
  }
}

resource "azurerm_eventhub_consumer_group" "this" {
  name                = var.consumer_group_name
  namespace_name      = azurerm_eventhub_namespace.this.name
  eventhub_name       = azurerm_eventhub.this.name
  resource_group_name = var.resource_group_name
  user_metadata       = "created-by=aks-audit-log-go"
}

# A diagnostic setting names an authorization rule. This one may send and not read.
resource "azurerm_eventhub_namespace_authorization_rule" "send" {
  name                = "diagnostics-send"
  namespace_name      = azurerm_eventhub_namespace.this.name
  resource_group_name = var.resource_group_name
  listen              = false
  send                = true
  manage              = false
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                           = "aks-audit-log-go"
  target_resource_id             = var.cluster_id
  eventhub_name                  = azurerm_eventhub.this.name
  eventhub_authorization_rule_id = azurerm_eventhub_namespace_authorization_rule.send.id

  enabled_log {
    category = var.category
  }
}

resource "azurerm_storage_account" "this" {
  name                            = local.storage_account_name
  resource_group_name             = var.resource_group_name
  location                        = var.location
  account_kind                    = "StorageV2"
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  allow_nested_items_to_be_public = false
  shared_access_key_enabled       = false
  tags                            = local.tags
}

resource "azurerm_storage_container" "this" {
  name               = var.container_name
  storage_account_id = azurerm_storage_account.this.id
}

resource "azurerm_user_assigned_identity" "this" {
  name                = local.identity_name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = local.tags
}

resource "azurerm_federated_identity_credential" "this" {
  name                      = "aks-audit-log-go"
  user_assigned_identity_id = azurerm_user_assigned_identity.this.id
  issuer                    = var.oidc_issuer_url
  subject                   = "system:serviceaccount:${var.kubernetes_namespace}:${var.service_account_name}"
  audience                  = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_assignment" "receive" {
  scope                = azurerm_eventhub.this.id
  role_definition_name = "Azure Event Hubs Data Receiver"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "checkpoints" {
  scope                = azurerm_storage_container.this.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}
