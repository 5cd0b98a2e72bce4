package forwarder

import (
	"errors"
	"strings"
	"time"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

func (l *loader) hub() {
	l.hubConnection()
	l.hubName()
	l.hubClient()
	l.out.ConsumerGroup = l.in.ConsumerGroup
	if !connstr.ValidConsumerGroup(l.in.ConsumerGroup) {
		l.wrong(variable.ConsumerGroup)
	}
	start, ok := parseStartPosition(l.in.StartPosition)
	if !ok {
		l.wrong(variable.StartPosition)
	}
	l.out.StartPosition = start
}

func (l *loader) hubConnection() {
	if l.isSet(variable.HubNamespace) {
		l.hubNamespace()
		return
	}
	if !l.isSet(variable.HubConnection) {
		l.missing(variable.HubConnection, " (or set "+variable.HubNamespace+" to sign in with Microsoft Entra ID)")
		return
	}
	connection, err := connstr.ParseHubConnection(l.in.HubConnection)
	if err == nil && connection.EntityPath != "" && !connstr.ValidHubName(connection.EntityPath) {
		err = errors.New("its EntityPath cannot be the name of an event hub")
	}
	if err != nil {
		l.wrongBecause(variable.HubConnection, err)
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
		l.missing(variable.HubName, "")
	case name == "":
		name = entity
	case !connstr.ValidHubName(name):
		l.wrong(variable.HubName)
	case entity != "" && !strings.EqualFold(name, entity):
		l.say(variable.HubName, "is %s, but the EntityPath in %s is %q: they should be the same hub",
			l.shown(variable.HubName), variable.HubConnection, entity)
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
		l.wrong(variable.HubClient)
	}
	l.out.HubTransport = HubTransport(strings.ToLower(l.in.HubTransport))
	if l.out.HubTransport != TransportAMQP && l.out.HubTransport != TransportWebSocket {
		l.wrong(variable.HubTransport)
	}
	l.out.HubCAFile = l.in.HubCAFile
	l.out.HubPrefetch = l.in.HubPrefetch
	if l.isSet(variable.HubPrefetch) && (l.in.HubPrefetch < 1 || l.in.HubPrefetch > 300) {
		l.wrong(variable.HubPrefetch)
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
			what, variable.HubClient, ClientAzureEventHubsGo, variable.HubClient, ClientAzEventHubs)
	}
	connection := l.out.HubConnection
	switch {
	case connection.Emulator:
		refuse(variable.HubConnection, "has UseDevelopmentEmulator=true in it")
	case connection.SAS != "":
		refuse(variable.HubConnection, "has a SharedAccessSignature in it")
	case connection.Host != "" && !strings.Contains(connection.Namespace(), "."):
		// Its parser splits the host into a namespace and a suffix.
		refuse(variable.HubConnection, "has an Endpoint whose host has no dot in it (127.0.0.1 in place of localhost would do)")
	}
	if l.out.HubCAFile != "" {
		refuse(variable.HubCAFile, "is set")
	}
}
