# The defaults and the rules are those of ../azure/install.sh; a test compares them.

variable "resource_group_name" {
  description = "Resource group of everything that the module makes. It has to exist."
  type        = string
}

variable "location" {
  description = "Region of the cluster: Azure Monitor sends only to a hub in the same region."
  type        = string
}

variable "cluster_id" {
  description = "Resource ID of the AKS cluster whose audit log is sent."
  type        = string
  validation {
    condition     = can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.ContainerService/managedClusters/[^/]+$", var.cluster_id))
    error_message = "cluster_id is not the resource ID of an AKS cluster: give azurerm_kubernetes_cluster.NAME.id."
  }
}

variable "oidc_issuer_url" {
  description = "OIDC issuer of the cluster, which must have oidc_issuer_enabled and workload_identity_enabled."
  type        = string
  validation {
    condition     = can(regex("^https://", var.oidc_issuer_url))
    error_message = "The cluster has no OIDC issuer: set oidc_issuer_enabled and workload_identity_enabled on it."
  }
}

variable "event_hub_namespace_name" {
  description = "Name of the Event Hubs namespace, unique in all of Azure. Default: aksaudit-CLUSTER-CHECKSUM."
  type        = string
  default     = null
  validation {
    condition     = var.event_hub_namespace_name == null || can(regex("^[a-z][a-z0-9-]{4,48}[a-z0-9]$", var.event_hub_namespace_name))
    error_message = "It should be 6 to 50 lower-case letters, digits and dashes, beginning with a letter and not ending with a dash."
  }
}

variable "event_hub_name" {
  description = "Name of the event hub."
  type        = string
  default     = "insights-logs-kube-audit"
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9._-]{0,254}[a-z0-9])?$", var.event_hub_name))
    error_message = "It should be 1 to 256 lower-case letters, digits, dots, dashes and underscores."
  }
}

variable "consumer_group_name" {
  description = "Consumer group of the daemon, which nobody else may read in."
  type        = string
  default     = "falco"
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9._-]{0,48}[a-z0-9])?$", var.consumer_group_name))
    error_message = "It should be 1 to 50 lower-case letters, digits, dots, dashes and underscores."
  }
}

variable "category" {
  description = "Log category: kube-audit, or kube-audit-admin, which leaves out get and list."
  type        = string
  default     = "kube-audit"
  validation {
    condition     = contains(["kube-audit", "kube-audit-admin"], var.category)
    error_message = "It should be kube-audit or kube-audit-admin."
  }
}

variable "partition_count" {
  description = "Partitions of the hub, the limit to the replicas. It cannot change later."
  type        = number
  default     = 4
  validation {
    condition     = var.partition_count >= 2 && var.partition_count <= 32
    error_message = "It should be a number from 2 to 32."
  }
}

variable "retention_hours" {
  description = "Hours that the hub keeps events: how long Falco may be away."
  type        = number
  default     = 168
  validation {
    condition     = var.retention_hours >= 1 && var.retention_hours <= 168
    error_message = "It should be a number from 1 to 168."
  }
}

variable "throughput_units" {
  description = "Throughput units of the namespace, each 1 MB/s in. The namespace is billed by them."
  type        = number
  default     = 1
  validation {
    condition     = var.throughput_units >= 1 && var.throughput_units <= 40
    error_message = "It should be a number from 1 to 40."
  }
}

variable "maximum_throughput_units" {
  description = "Throughput units that Azure may raise them to; it never lowers them. 0: it may not."
  type        = number
  default     = 0
  validation {
    condition     = var.maximum_throughput_units >= 0 && var.maximum_throughput_units <= 40
    error_message = "It should be a number from 0 to 40."
  }
}

variable "local_authentication_enabled" {
  description = "Whether the namespace takes keys beside Microsoft Entra ID."
  type        = bool
  default     = false
}

variable "storage_account_name" {
  description = "Name of the storage account, unique in all of Azure. Default: aksauditCLUSTERCHECKSUM."
  type        = string
  default     = null
  validation {
    condition     = var.storage_account_name == null || can(regex("^[a-z0-9]{3,24}$", var.storage_account_name))
    error_message = "It should be 3 to 24 lower-case letters and digits."
  }
}

variable "container_name" {
  description = "Blob container of checkpoints, ownership and dead letters."
  type        = string
  default     = "aks-audit-log-go"
  validation {
    condition     = can(regex("^[a-z0-9](-?[a-z0-9]){2,62}$", var.container_name))
    error_message = "It should be 3 to 63 lower-case letters, digits and single dashes."
  }
}

variable "identity_name" {
  description = "Name of the managed identity. Default: aks-audit-log-go-CLUSTER-CHECKSUM."
  type        = string
  default     = null
  validation {
    condition     = var.identity_name == null || can(regex("^[a-z0-9][a-z0-9_-]{2,127}$", var.identity_name))
    error_message = "It should be 3 to 128 lower-case letters, digits, dashes and underscores."
  }
}

variable "kubernetes_namespace" {
  description = "Kubernetes namespace of the daemon."
  type        = string
  default     = "aks-audit-log-go"
}

variable "service_account_name" {
  description = "Kubernetes service account of the daemon."
  type        = string
  default     = "aks-audit-log-go"
}

variable "event_hub_domain" {
  description = "Domain of Event Hubs in the cloud, such as servicebus.chinacloudapi.cn."
  type        = string
  default     = "servicebus.windows.net"
}

variable "tags" {
  description = "More tags for the namespace, the storage account and the identity."
  type        = map(string)
  default     = {}
}
