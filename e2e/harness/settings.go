package harness

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// Settings are the environment variables of a daemon.
type Settings map[string]string

// With returns a copy of the settings with others added. An empty value removes a variable.
func (s Settings) With(others Settings) Settings {
	all := maps.Clone(s)
	for name, value := range others {
		if value == "" {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

// Environ returns the settings in the form of os.Environ.
func (s Settings) Environ() []string {
	environ := []string{}
	for name, value := range s {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// HubSettings returns settings for a daemon that reads from hub, trusts its certificate, and posts to sinkURL.
func HubSettings(t *testing.T, hub *hubtest.Server, sinkURL string) Settings {
	t.Helper()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, hub.CAPEM(), 0o600))
	return Settings{
		"SSL_CERT_FILE":                 caFile,
		"EHUBNAMESPACECONNECTIONSTRING": hub.ConnectionString(),
		"EVENTHUBNAME":                  hub.HubName(),
		"WEBSINKURL":                    sinkURL,
		"STATSADDRESS":                  FreeAddress(t),
		"LOGLEVEL":                      "debug",
		// A stop waits this long. TestAStopWithTheDefaultSettleTime uses the default.
		"SINKSETTLETIME":  "300ms",
		"SHUTDOWNTIMEOUT": shutdownTimeout.String(),
	}
}

// BlobSettings returns HubSettings with the checkpoints in a container.
func BlobSettings(t *testing.T, hub *hubtest.Server, c Blobs, sinkURL string) Settings {
	t.Helper()
	return HubSettings(t, hub, sinkURL).With(Settings{
		"BLOBSTORAGECONNECTIONSTRING": SharedAzurite(t).ConnectionString(),
		"BLOBCONTAINERNAME":           c.Name,
	})
}

// LegacyClient is the value of EVENTHUBCLIENT for the older client.
const LegacyClient = "azure-event-hubs-go"

// CurrentClient is the value of EVENTHUBCLIENT for the default client.
const CurrentClient = "azeventhubs"

// SteadySettings returns settings for tests that count repeats.
func SteadySettings() Settings { return Settings{"SINKSETTLETIME": "200ms", "LOGLEVEL": "info"} }

// FastRetries returns settings that exhaust the retries at once. With the default settings, an outage of minutes does
// so.
func FastRetries() Settings {
	return Settings{"POSTMAXRETRIES": "2", "POSTRETRYINCREMENTALDELAY": "20"}
}

// ShortWatchdog returns settings with which the watchdog reports a stuck consumer after seconds.
func ShortWatchdog() Settings { return Settings{"WATCHDOGTIMEOUT": "4s"} }
