package forwarder

import (
	"errors"
	"strings"
	"time"
)

func (l *loader) hub() {
	l.hubConnection()
	l.hubName()
	l.hubClient()
	l.out.ConsumerGroup = l.in.ConsumerGroup
	if !validConsumerGroup(l.in.ConsumerGroup) {
		l.wrong(varConsumerGroup)
	}
	start, ok := parseStartPosition(l.in.StartPosition)
	if !ok {
		l.wrong(varStartPosition)
	}
	l.out.StartPosition = start
}

func (l *loader) hubConnection() {
	if l.isSet(varHubNamespace) {
		l.hubNamespace()
		return
	}
	if !l.isSet(varHubConnection) {
		l.missing(varHubConnection, " (or set "+varHubNamespace+" to sign in with Microsoft Entra ID)")
		return
	}
	connection, err := parseHubConnection(l.in.HubConnection)
	if err == nil && connection.EntityPath != "" && !validHubName(connection.EntityPath) {
		err = errors.New("its EntityPath cannot be the name of an event hub")
	}
	if err != nil {
		l.wrongBecause(varHubConnection, err)
		return
	}
	l.out.HubConnection = connection
}

// hubName takes the hub from EVENTHUBNAME or from the connection string. Where both name one
// they must agree, since otherwise the client would read a hub that is not the one configured.
func (l *loader) hubName() {
	entity := l.out.HubConnection.EntityPath
	name := l.in.HubName
	switch {
	case name == "" && entity == "":
		l.missing(varHubName, "")
	case name == "":
		name = entity
	case !validHubName(name):
		l.wrong(varHubName)
	case entity != "" && !strings.EqualFold(name, entity):
		l.say(varHubName, "is %s, but the EntityPath in %s is %q: they should be the same hub",
			l.shown(varHubName), varHubConnection, entity)
	}
	l.out.HubName = name
}

// parseStartPosition reads EVENTHUBSTARTPOSITION.
func parseStartPosition(s string) (StartPosition, bool) {
	switch strings.ToLower(s) {
	case "earliest":
		return StartPosition{Kind: StartEarliest}, true
	case "latest":
		return StartPosition{Kind: StartLatest}, true
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(s))
	return StartPosition{Kind: StartAtTime, Time: t}, err == nil
}

func (l *loader) hubClient() {
	l.out.HubClient = HubClient(strings.ToLower(l.in.HubClient))
	if l.out.HubClient != ClientAzEventHubs && l.out.HubClient != ClientAzureEventHubsGo {
		l.wrong(varHubClient)
	}
	l.out.HubTransport = HubTransport(strings.ToLower(l.in.HubTransport))
	if l.out.HubTransport != TransportAMQP && l.out.HubTransport != TransportWebSocket {
		l.wrong(varHubTransport)
	}
	l.out.HubCAFile = l.in.HubCAFile
	l.out.HubPrefetch = l.in.HubPrefetch
	if l.isSet(varHubPrefetch) && (l.in.HubPrefetch < 1 || l.in.HubPrefetch > 300) {
		l.wrong(varHubPrefetch)
	}
	if l.out.HubClient == ClientAzureEventHubsGo {
		l.retiredClient()
	}
}

// retiredClient refuses what azure-event-hubs-go cannot do: each of it would otherwise show as a
// failure to connect, if at all.
func (l *loader) retiredClient() {
	refuse := func(name, what string) {
		l.say(name, "%s, which %s=%s cannot do: change it, or set %s=%s",
			what, varHubClient, ClientAzureEventHubsGo, varHubClient, ClientAzEventHubs)
	}
	connection := l.out.HubConnection
	switch {
	case connection.Emulator:
		refuse(varHubConnection, "has UseDevelopmentEmulator=true in it")
	case connection.SAS != "":
		refuse(varHubConnection, "has a SharedAccessSignature in it")
	case connection.Host != "" && !strings.Contains(connection.Namespace(), "."):
		// Its parser splits the host into a namespace and a suffix.
		refuse(varHubConnection, "has an Endpoint whose host has no dot in it (127.0.0.1 in place of localhost would do)")
	}
	if l.out.HubCAFile != "" {
		refuse(varHubCAFile, "is set")
	}
}
