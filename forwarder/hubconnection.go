package forwarder

import (
	"errors"
	"net/url"
	"strings"
)

// HubConnection is a parsed Event Hubs connection string:
//
//	Endpoint=sb://<host>[:<port>]/;SharedAccessKeyName=<name>;SharedAccessKey=<key>[;EntityPath=<hub>]
//
// It prints without its key.
type HubConnection struct {
	// Host is the namespace's host[:port], as typed.
	Host string
	// KeyName is the name of the shared access policy.
	KeyName string
	// Key is the policy's key.
	Key Secret
	// EntityPath is the hub that the connection string is for; empty where it is for the
	// whole namespace.
	EntityPath string
}

// Namespace returns the host name in lower case and without its port, as checkpoint paths have it.
func (c HubConnection) Namespace() string {
	return strings.ToLower((&url.URL{Host: c.Host}).Hostname())
}

// String returns the connection string with "(redacted)" for the key.
func (c HubConnection) String() string {
	s := "Endpoint=sb://" + c.Host + "/;SharedAccessKeyName=" + c.KeyName + ";SharedAccessKey=" + redacted
	if c.EntityPath != "" {
		s += ";EntityPath=" + c.EntityPath
	}
	return s
}

// parseHubConnection reads a hub connection string. No error repeats any of its values.
func parseHubConnection(s string) (HubConnection, error) {
	fields, err := connectionFields(s)
	if err != nil {
		return HubConnection{}, err
	}
	if _, ok := fields["sharedaccesssignature"]; ok {
		return HubConnection{}, errors.New("SharedAccessSignature is not supported by the azure-event-hubs-go client")
	}
	if strings.EqualFold(fields["usedevelopmentemulator"], "true") {
		return HubConnection{}, errors.New("UseDevelopmentEmulator=true is not supported by the azure-event-hubs-go client")
	}
	if err = missingFields(fields, "Endpoint", "SharedAccessKeyName", "SharedAccessKey"); err != nil {
		return HubConnection{}, err
	}
	host, err := hubHost(fields["endpoint"])
	if err != nil {
		return HubConnection{}, err
	}
	return HubConnection{
		Host:       host,
		KeyName:    fields["sharedaccesskeyname"],
		Key:        Secret(fields["sharedaccesskey"]),
		EntityPath: fields["entitypath"],
	}, nil
}

// hubHost returns the host[:port] of an Endpoint.
func hubHost(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "sb" || u.Hostname() == "" || !validPort(u) {
		return "", errors.New("its Endpoint is not of the form sb://host[:port]/")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("its Endpoint holds more than sb://host[:port]/")
	}
	// The parser of azure-event-hubs-go splits the host into a namespace and a suffix.
	if !strings.Contains(u.Hostname(), ".") {
		return "", errors.New("the host of its Endpoint has no dot in it, which the azure-event-hubs-go client needs " +
			"(127.0.0.1 in place of localhost)")
	}
	return u.Host, nil
}
