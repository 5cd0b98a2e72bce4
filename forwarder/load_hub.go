package forwarder

import (
	"errors"
	"net/url"
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
		l.problems.wrong(variable.ConsumerGroup)
	}
	start, ok := parseStartPosition(l.in.StartPosition)
	if !ok {
		l.problems.wrong(variable.StartPosition)
	}
	l.out.StartPosition = start
}

// hubConnection takes the namespace and its credentials from EVENTHUBNAMESPACE or from a connection string.
func (l *loader) hubConnection() {
	if l.isSet(variable.HubNamespace) {
		l.hubNamespace()
		return
	}
	if !l.isSet(variable.HubConnection) {
		l.problems.missing(variable.HubConnection, " (or set "+variable.HubNamespace+" to sign in with Microsoft Entra ID)")
		return
	}
	connection, err := connstr.ParseHubConnection(l.in.HubConnection)
	if err == nil && connection.EntityPath != "" && !connstr.ValidHubName(connection.EntityPath) {
		err = errors.New("its EntityPath cannot be the name of an event hub")
	}
	if err != nil {
		l.problems.wrongBecause(variable.HubConnection, err)
		return
	}
	l.out.HubConnection = connection
}

// hubNamespace takes the host from EVENTHUBNAMESPACE. The daemon then signs in without a key.
func (l *loader) hubNamespace() {
	if l.isSet(variable.HubConnection) {
		l.eitherOr(variable.HubNamespace, variable.HubConnection)
		return
	}
	// A namespace can be anything that the host of a URL can be.
	u, err := url.Parse("sb://" + l.in.HubNamespace)
	if err != nil || u.Host != l.in.HubNamespace || !connstr.ValidPort(u) || !strings.Contains(u.Hostname(), ".") {
		l.problems.wrong(variable.HubNamespace)
		return
	}
	l.out.HubConnection = connstr.HubConnection{Host: u.Host, Entra: true}
}

// hubName takes the hub from EVENTHUBNAME or from the connection string. If both name a hub, it must be the same one.
// Otherwise the client would read another hub than the configured one.
func (l *loader) hubName() {
	entity := l.out.HubConnection.EntityPath
	name := l.in.HubName
	switch {
	case name == "" && entity == "":
		l.problems.missing(variable.HubName, "")
	case name == "":
		name = entity
	case !connstr.ValidHubName(name):
		l.problems.wrong(variable.HubName)
	case entity != "" && !strings.EqualFold(name, entity):
		l.problems.add(variable.HubName, "is %s, but the EntityPath in %s is %q: they should be the same hub",
			l.problems.shown(variable.HubName), variable.HubConnection, entity)
	}
	l.out.HubName = name
}

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
		l.problems.wrong(variable.HubClient)
	}
	l.out.HubTransport = HubTransport(strings.ToLower(l.in.HubTransport))
	if l.out.HubTransport != TransportAMQP && l.out.HubTransport != TransportWebSocket {
		l.problems.wrong(variable.HubTransport)
	}
	l.webSockets()
	l.out.HubCAFile = l.in.HubCAFile
	l.out.HubPrefetch = l.in.HubPrefetch
	if l.isSet(variable.HubPrefetch) && (l.in.HubPrefetch < 1 || l.in.HubPrefetch > 300) {
		l.problems.wrong(variable.HubPrefetch)
	}
	if l.out.HubClient == ClientAzureEventHubsGo {
		l.retiredClient()
	}
}

// webSockets follows TransportType=AmqpWebSockets in the connection string. EVENTHUBTRANSPORT overrides it.
func (l *loader) webSockets() {
	switch {
	case !l.out.HubConnection.WebSockets:
	case !l.isSet(variable.HubTransport):
		l.out.HubTransport = TransportWebSocket
	case l.out.HubTransport == TransportAMQP:
		l.warn(variable.HubConnection + " has TransportType=AmqpWebSockets, which " + variable.HubTransport + "=amqp overrides: " +
			"the hub is reached by AMQP; unset the one that is wrong")
	}
}

// retiredClient refuses settings that azure-event-hubs-go does not support. Otherwise they would fail to connect, or
// silently have no effect.
func (l *loader) retiredClient() {
	refuse := func(name, what string) {
		l.problems.add(name, "%s, which %s=%s cannot do: change it, or set %s=%s",
			what, variable.HubClient, ClientAzureEventHubsGo, variable.HubClient, ClientAzEventHubs)
	}
	connection := l.out.HubConnection
	switch {
	case connection.Emulator:
		refuse(variable.HubConnection, "has UseDevelopmentEmulator=true in it")
	case connection.SAS != "":
		refuse(variable.HubConnection, "has a SharedAccessSignature in it")
	case connection.Host != "" && !strings.Contains(connection.Namespace(), "."):
		// azure-event-hubs-go splits the host into a namespace and a suffix.
		refuse(variable.HubConnection, "has an Endpoint whose host has no dot in it (127.0.0.1 in place of localhost would do)")
	}
	if l.out.HubCAFile != "" {
		refuse(variable.HubCAFile, "is set")
	}
}
