// Package hubclient implements eventhub.Hub on two of Azure's SDKs: azeventhubs, the default, and the retired
// azure-event-hubs-go (legacy.go).
package hubclient
