// Package hubclient implements eventhub.Hub on Azure's SDKs: on azeventhubs, which is the default, and on the retired
// azure-event-hubs-go (legacy.go).
package hubclient
