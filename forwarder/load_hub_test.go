package forwarder

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/variable"
)

const (
	testEmulator  = "Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=s3cr3t;UseDevelopmentEmulator=true"
	testSigned    = "Endpoint=sb://a.b;SharedAccessSignature=SharedAccessSignature sr=a.b&sig=s3cr3t&se=1&skn=k"
	testNoDot     = "Endpoint=sb://eventhubs:5671;SharedAccessKeyName=k;SharedAccessKey=s3cr3t"
	retiredClient = "EVENTHUBCLIENT=azure-event-hubs-go"
)

func TestTheRetiredClientRefusesWhatItDoesNotSupport(t *testing.T) {
	tests := map[string]struct{ set, want string }{
		"Microsoft's emulator": {
			variable.HubConnection + "=" + testEmulator,
			"EHUBNAMESPACECONNECTIONSTRING has UseDevelopmentEmulator=true in it, which EVENTHUBCLIENT=azure-event-hubs-go cannot do: change it, or set EVENTHUBCLIENT=azeventhubs",
		},
		"a signature": {variable.HubConnection + "=" + testSigned, "EHUBNAMESPACECONNECTIONSTRING has a SharedAccessSignature in it, which EVENTHUBCLIENT=azure-event-hubs-go cannot do"},
		"a host without a dot": {
			variable.HubConnection + "=" + testNoDot, "EHUBNAMESPACECONNECTIONSTRING has an Endpoint whose host has no dot in it (127.0.0.1 in place of localhost would do), which EVENTHUBCLIENT",
		},
		"authorities": {"EVENTHUBCAFILE=/ca.pem", "EVENTHUBCAFILE is set, which EVENTHUBCLIENT=azure-event-hubs-go cannot do"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Load(environ(test.set))
			require.NoError(t, err, "by default")
			_, err = Load(environ(test.set, retiredClient))
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

func TestTheRetiredClientRefusesNothingElse(t *testing.T) {
	cfg, err := Load(environ(retiredClient, "EVENTHUBTRANSPORT=websocket", "EVENTHUBPREFETCH=20"))
	require.NoError(t, err)
	assert.Equal(t, ClientAzureEventHubsGo, cfg.HubClient)

	_, err = Load(environ(retiredClient, variable.HubConnection+"="))
	require.ErrorContains(t, err, "EHUBNAMESPACECONNECTIONSTRING is not set")
}

func TestWrongSettingsOfTheHubClientAreReported(t *testing.T) {
	for set, want := range map[string]string{
		"EVENTHUBCLIENT=azeventhub":    `EVENTHUBCLIENT is "azeventhub": it should be azeventhubs or azure-event-hubs-go`,
		"EVENTHUBTRANSPORT=websockets": `EVENTHUBTRANSPORT is "websockets": it should be amqp or websocket`,
		"EVENTHUBPREFETCH=0":           `EVENTHUBPREFETCH is "0": it should be a whole number from 1 to 300`,
		"EVENTHUBPREFETCH=301":         `EVENTHUBPREFETCH is "301": it should be a whole number from 1 to 300`,
		"EVENTHUBPREFETCH=many":        `EVENTHUBPREFETCH is "many": it should be a whole number from 1 to 300`,
	} {
		t.Run(set, func(t *testing.T) {
			_, err := Load(environ(set))
			require.ErrorContains(t, err, want)
		})
	}
}

func TestTheTransportOfTheConnectionStringIsFollowed(t *testing.T) {
	connection := func(transport string) string {
		return variable.HubConnection + "=" + testNoDot + ";TransportType=" + transport
	}
	for _, test := range []struct {
		set  []string
		want HubTransport
		warn bool
	}{
		{[]string{connection("AmqpWebSockets")}, TransportWebSocket, false},
		{[]string{connection("amqpwebsockets"), "EVENTHUBTRANSPORT=websocket"}, TransportWebSocket, false},
		{[]string{connection("AmqpWebSockets"), "EVENTHUBTRANSPORT=amqp"}, TransportAMQP, true},
		{[]string{connection("AmqpTcp")}, TransportAMQP, false},
		{[]string{connection("AmqpTcp"), "EVENTHUBTRANSPORT=websocket"}, TransportWebSocket, false},
	} {
		cfg, err := Load(environ(test.set...))
		require.NoError(t, err)
		assert.Equal(t, test.want, cfg.HubTransport, test.set)
		if test.warn {
			require.Len(t, cfg.Warnings, 1)
			assert.Contains(t, cfg.Warnings[0], "has TransportType=AmqpWebSockets, which EVENTHUBTRANSPORT=amqp overrides")
		} else {
			assert.Empty(t, cfg.Warnings, test.set)
		}
	}
}
