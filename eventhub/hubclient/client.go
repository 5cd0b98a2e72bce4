package hubclient

import (
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder"
)

// NewHub returns the client that the configuration asks for, for the event hub that it names. It
// does not connect yet.
func New(cfg forwarder.Config) (eventhub.Hub, error) {
	if !cfg.HubConnection.Entra {
		return newHub(cfg, nil)
	}
	credential, err := azauth.NewCredential()
	if err != nil {
		return nil, err
	}
	return newHub(cfg, azauth.NewTokens(azauth.HubService, credential))
}

// newHub is NewHub with the tokens that the hub is given; nil where it takes a key.
func newHub(cfg forwarder.Config, tokens *azauth.Tokens) (eventhub.Hub, error) {
	if cfg.HubClient == forwarder.ClientAzureEventHubsGo {
		return newLegacyHub(cfg, tokens)
	}
	return newAzEventHubs(cfg, tokens)
}

// hubConnectionString writes the parts of the connection string again as the SDKs want them:
// without a semicolon at the end, on which one's parser fails, and without an EntityPath, on
// which the other's does, unless it is the hub's name in the same letters.
func hubConnectionString(cfg forwarder.Config) string {
	connection := cfg.HubConnection
	text := "Endpoint=sb://" + connection.Host + "/;"
	if connection.SAS != "" {
		text += "SharedAccessSignature=" + connection.SAS.Reveal()
	} else {
		text += "SharedAccessKeyName=" + connection.KeyName + ";SharedAccessKey=" + connection.Key.Reveal()
	}
	if connection.Emulator {
		text += ";UseDevelopmentEmulator=true"
	}
	return text
}

// questionTimeout is how long the answer to a question is waited for; then it is asked over a
// connection of its own, which the watchdog has to leave time for.
func ManagementTimeout(cfg forwarder.Config) time.Duration {
	if cfg.WatchdogTimeout > 0 {
		return min(eventhub.RequestTimeout, cfg.WatchdogTimeout/2)
	}
	return eventhub.RequestTimeout
}
