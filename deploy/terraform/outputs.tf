output "helm_values" {
  description = "Values for the Helm chart, for a release in the Kubernetes namespace of the variable kubernetes_namespace."
  value = {
    serviceAccount   = { name = var.service_account_name }
    workloadIdentity = { enabled = true, clientId = azurerm_user_assigned_identity.this.client_id }
    config = {
      EVENTHUBNAMESPACE     = "${azurerm_eventhub_namespace.this.name}.${var.event_hub_domain}"
      EVENTHUBNAME          = azurerm_eventhub.this.name
      EVENTHUBCONSUMERGROUP = azurerm_eventhub_consumer_group.this.name
      BLOBSTORAGEURL        = trimsuffix(azurerm_storage_account.this.primary_blob_endpoint, "/")
      BLOBCONTAINERNAME     = azurerm_storage_container.this.name
    }
  }
}

output "event_hub_name" {
  description = "Name of the event hub, for the diagnostic settings of other clusters."
  value       = azurerm_eventhub.this.name
}

output "diagnostics_authorization_rule_id" {
  description = "ID of the rule that may send, for the diagnostic settings of other clusters."
  value       = azurerm_eventhub_namespace_authorization_rule.send.id
}

output "event_hub_namespace_id" {
  description = "ID of the Event Hubs namespace, for private endpoints, alerts and more roles."
  value       = azurerm_eventhub_namespace.this.id
}

output "storage_account_id" {
  description = "ID of the storage account, for private endpoints and more roles."
  value       = azurerm_storage_account.this.id
}

output "identity_principal_id" {
  description = "Principal ID of the managed identity."
  value       = azurerm_user_assigned_identity.this.principal_id
}
