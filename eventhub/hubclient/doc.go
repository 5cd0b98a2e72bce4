// Package hubclient is eventhub.Hub on Azure's SDKs: azeventhubs (the default), and the retired azure-event-hubs-go.
package hubclient
