package azauth

import (
	"fmt"

	"aks-audit-log-go/eventhub"
)

// Resource is a service that accepts tokens of Microsoft Entra ID.
type Resource struct {
	service eventhub.Service
	// name is how errors call the service.
	name string
	// scope is the scope of a token request. It is the same in all of Azure's clouds.
	scope string
	// role is Azure's name of the built-in role that an identity needs.
	role string
	// assignedOn names the resources on which the role can be assigned.
	assignedOn string
}

var (
	// HubResource is the event hub. It has the scope that azeventhubs requests (token_provider.go), with both slashes.
	HubResource = Resource{
		service: eventhub.ServiceHub, name: "the event hub", scope: "https://eventhubs.azure.net//.default",
		role: "Azure Event Hubs Data Receiver", assignedOn: "the Event Hubs namespace or the hub",
	}
	// StorageResource is the blob storage account.
	StorageResource = Resource{
		service: eventhub.ServiceStorage, name: "blob storage", scope: "https://storage.azure.com/.default",
		role: "Storage Blob Data Contributor", assignedOn: "the storage account or the container",
	}
)

// RoleHint tells the operator which role an identity needs, if the service denies it access.
func (r Resource) RoleHint() string {
	return fmt.Sprintf("this identity has to have the role %q on %s, and be of its tenant; a new assignment takes some minutes", r.role, r.assignedOn)
}
