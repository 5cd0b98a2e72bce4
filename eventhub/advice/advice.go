// Package advice says what an operator can do about an error of the event hub or of the storage. The command check,
// the log and /readyz use the same words.
package advice

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/connstr"
)

// advice says what to do about an error whose text has one of the signs.
type advice struct {
	signs []string
	text  string
}

// advise puts the first advice that fits before an error. The error stays, because an advice is a guess. advise
// searches the text, because the clients have no codes for most errors.
func advise(err error, advices []advice) error {
	text := err.Error()
	for _, sign := range selfExplaining {
		if strings.Contains(text, sign) {
			return err
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		text += timedOut
	}
	for _, a := range advices {
		for _, sign := range a.signs {
			if strings.Contains(text, sign) {
				return fmt.Errorf("%s (%w)", a.text, err)
			}
		}
	}
	return err
}

// selfExplaining are in errors that already say what to do: a key or an identity was denied access.
var selfExplaining = []string{"the hub does not accept", "Microsoft Entra ID", "this identity", "(its se=)", "may not be made with"}

// timedOut stands for context.DeadlineExceeded among the signs.
const timedOut = " no answer in time"

// The signs of network errors, in Go's words.
var (
	noSuchHost    = []string{"lookup "}
	noCertificate = []string{"certificate"}
	noConnection  = []string{timedOut, "connection refused", "connection reset", "unreachable", "i/o timeout", "EOF", "closed"}
)

// Hub says what to do if the hub does not answer. The returned error wraps err.
func Hub(cfg forwarder.Config, err error) error {
	host := cfg.HubConnection.Host
	return advise(err, []advice{
		{[]string{"status code 404", "not-found", "could not be found"}, fmt.Sprintf("the namespace %s has no event hub %q: create it (az eventhubs eventhub create --namespace-name %s "+
			"--name %s --resource-group …), or set EVENTHUBNAME to the one that the cluster's diagnostic setting writes to", host, cfg.HubName, namespaceName(host), cfg.HubName)},
		{[]string{"prevented to connect"}, "the firewall of the namespace refuses this address: permit it (az eventhubs namespace network-rule-set), or use a private endpoint"},
		{noSuchHost, fmt.Sprintf("there is no host %s: check the name of the namespace and the DNS of the cluster", host)},
		{noCertificate, "the hub's certificate is not trusted: if a proxy replaces it, name the proxy's authority in EVENTHUBCAFILE"},
		{noConnection, unreachableHub(cfg)},
	})
}

// unreachableHub says what to check if no connection to the hub can be made.
func unreachableHub(cfg forwarder.Config) string {
	const look = "look at network policies, firewalls, and the namespace's own network rules"
	host := (&url.URL{Host: cfg.HubConnection.Host}).Hostname()
	if cfg.HubTransport == forwarder.TransportWebSocket {
		return fmt.Sprintf("%s cannot be reached by WebSocket (port %s): %s, and at HTTPS_PROXY", host, hubPort(cfg), look)
	}
	return fmt.Sprintf("%s cannot be reached by AMQP (port %s): %s; where only HTTPS is let out, set EVENTHUBTRANSPORT=websocket", host, hubPort(cfg), look)
}

// hubPort returns the port of the hub.
func hubPort(cfg forwarder.Config) string {
	port := (&url.URL{Host: cfg.HubConnection.Host}).Port()
	switch {
	case port != "":
		return port
	case cfg.HubTransport == forwarder.TransportWebSocket && cfg.HubConnection.Emulator:
		return "80"
	case cfg.HubTransport == forwarder.TransportWebSocket:
		return "443"
	case cfg.HubConnection.Emulator:
		return "5672"
	default:
		return "5671"
	}
}

// Group says what to do if a partition cannot be opened or read in the consumer group. The returned error wraps err.
func Group(cfg forwarder.Config, err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "unauthorized-access"), strings.Contains(text, "status code 401"):
		return fmt.Errorf("the hub can be reached but not read: the policy of the key needs Listen, or the identity needs the role %q (%w)", "Azure Event Hubs Data Receiver", err)
	case !strings.Contains(text, "not-found"):
		return Hub(cfg, err)
	}
	return fmt.Errorf("the hub has no consumer group %q: create it (az eventhubs eventhub consumer-group create --namespace-name %s --eventhub-name %s "+
		"--name %s --resource-group …), or set EVENTHUBCONSUMERGROUP (%w)", cfg.ConsumerGroup, namespaceName(cfg.HubConnection.Host), cfg.HubName, cfg.ConsumerGroup, err)
}

// GroupInUse says what to do if other readers of the consumer group keep out a reader without an epoch. The returned
// error wraps err.
func GroupInUse(cfg forwarder.Config, err error) error {
	return fmt.Errorf("the consumer group %q is in use, for example by the daemon: create a group for this command "+
		"(az eventhubs eventhub consumer-group create --namespace-name %s --eventhub-name %s --name audit-reader --resource-group …), and give it by -group audit-reader (%w)",
		cfg.ConsumerGroup, namespaceName(cfg.HubConnection.Host), cfg.HubName, err)
}

// namespaceName returns the name that az uses for a namespace: the first part of its host.
func namespaceName(host string) string {
	name, _, _ := strings.Cut((&url.URL{Host: host}).Hostname(), ".")
	return name
}

// Storage says what to do if the blob container cannot be used as needed. The returned error wraps err.
func Storage(cfg forwarder.Config, err error) error {
	account, container := accountName(cfg.Blob), cfg.BlobContainerName
	const right = `it needs the role "Storage Blob Data Contributor", or a signature that may read, write, delete and list`
	return advise(err, []advice{
		{[]string{"ContainerNotFound"}, fmt.Sprintf("there is no container %s: the daemon creates it at its start if it has the permission; else create it (az storage container create "+
			"--account-name %s --name %s)", container, account, container)},
		{[]string{"ContainerBeingDeleted"}, fmt.Sprintf("the container %s is being deleted: wait, or choose another in BLOBCONTAINERNAME", container)},
		{[]string{"AuthenticationFailed", "InvalidAuthenticationInfo"}, "the storage does not accept the sign-in: the key or signature is wrong, was rotated or has expired, " +
			"or the clock is wrong"},
		{[]string{"KeyBasedAuthenticationNotPermitted"}, "the storage account forbids keys: use Microsoft Entra ID"},
		{[]string{"AuthorizationFailure"}, "the storage refuses access: the key is wrong, the firewall of the account refuses this address, or the signature permits too little (" + right + ")"},
		{[]string{"Authorization", "InsufficientAccountPermissions"}, right},
		{[]string{"AccountIsDisabled"}, "the storage account is disabled: look at it in the portal"},
		{noSuchHost, fmt.Sprintf("there is no host for %s: check the name of the account and the DNS of the cluster", cfg.Blob.ServiceURL)},
		{noCertificate, "the storage's certificate is not trusted: if a proxy replaces it, put the proxy's authority into the file of SSL_CERT_FILE"},
		{append([]string{"no usable answer"}, noConnection...), fmt.Sprintf("%s cannot be reached: look at network policies, firewalls, HTTPS_PROXY and the account's own network rules",
			cfg.Blob.ServiceURL)},
	})
}

// accountName returns the name of the storage account, even if only its address is known.
func accountName(blob *connstr.BlobConnection) string {
	if blob.AccountName != "" {
		return blob.AccountName
	}
	address, err := url.Parse(blob.ServiceURL)
	if err != nil {
		return "…"
	}
	name, _, _ := strings.Cut(address.Hostname(), ".")
	return name
}
