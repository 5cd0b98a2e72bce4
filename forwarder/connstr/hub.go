package connstr

import (
	"errors"
	"net/url"
	"strings"
)

// HubConnection says where the Event Hubs namespace is and how to sign in. It is either a host name alone, for
// Microsoft Entra ID, or a parsed connection string in one of these forms:
//
//	Endpoint=sb://<host>[:<port>]/;SharedAccessKeyName=<name>;SharedAccessKey=<key>
//	Endpoint=sb://<host>[:<port>]/;SharedAccessSignature=SharedAccessSignature sr=…&sig=…&se=…&skn=…
//
// ;EntityPath=<hub> may follow, and ;UseDevelopmentEmulator=true after the first form. TransportType=AmqpWebSockets,
// which the .NET clients read, may follow too.
//
// Printed in any way, it shows neither the key nor the signature.
type HubConnection struct {
	// Host is the namespace's host[:port] as typed.
	Host string
	// KeyName is the name of the shared access policy. It is empty if SAS is set.
	KeyName string
	// Key is the policy's key. It is empty if SAS is set.
	Key Secret
	// SAS is a whole shared access signature token, in place of KeyName and Key. After its expiry the hub refuses it.
	SAS Secret
	// EntityPath is the hub that the connection string is for, empty if it is for the whole namespace.
	EntityPath string
	// Entra is whether the daemon signs in with a token of Microsoft Entra ID. Key and SAS are then empty.
	Entra bool
	// Emulator is whether the hub is Microsoft's emulator, which has no TLS.
	Emulator bool
	// WebSockets is whether the connection string has TransportType=AmqpWebSockets.
	WebSockets bool
}

// Namespace returns the host name in lower case and without its port, as in checkpoint paths.
func (c HubConnection) Namespace() string {
	return strings.ToLower((&url.URL{Host: c.Host}).Hostname())
}

// SignIn returns the way to sign in to the hub, in words.
func (c HubConnection) SignIn() string {
	return signIn(c.Entra, c.SAS)
}

// String returns the connection string with "(redacted)" in place of the key or the signature. With Microsoft Entra ID
// it returns only the endpoint.
func (c HubConnection) String() string {
	if c.Entra {
		return "Endpoint=sb://" + c.Host + "/"
	}
	s := "Endpoint=sb://" + c.Host + "/;SharedAccessKeyName=" + c.KeyName + ";SharedAccessKey=" + redacted
	if c.SAS != "" {
		s = "Endpoint=sb://" + c.Host + "/;SharedAccessSignature=" + redacted
	}
	if c.EntityPath != "" {
		s += ";EntityPath=" + c.EntityPath
	}
	if c.Emulator {
		s += ";UseDevelopmentEmulator=true"
	}
	if c.WebSockets {
		s += ";TransportType=AmqpWebSockets"
	}
	return s
}

// ParseHubConnection parses a hub connection string. Its errors show no value.
func ParseHubConnection(s string) (HubConnection, error) {
	fields, err := connectionFields(s)
	if err != nil {
		return HubConnection{}, err
	}
	if err = checkHubSecret(fields); err != nil {
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
		SAS:        Secret(fields["sharedaccesssignature"]),
		EntityPath: fields["entitypath"],
		Emulator:   strings.EqualFold(fields["usedevelopmentemulator"], "true"),
		WebSockets: strings.EqualFold(fields["transporttype"], "AmqpWebSockets"),
	}, nil
}

// checkHubSecret checks that fields has an endpoint, and either a key with its name or a signature.
func checkHubSecret(fields map[string]string) error {
	signature, signed := fields["sharedaccesssignature"]
	if !signed {
		return missingFields(fields, "Endpoint", "SharedAccessKeyName", "SharedAccessKey")
	}
	if fields["sharedaccesskey"] != "" || fields["sharedaccesskeyname"] != "" {
		return errors.New("it has both a SharedAccessSignature and a SharedAccessKey or its name: choose one")
	}
	if err := missingFields(fields, "Endpoint", "SharedAccessSignature"); err != nil {
		return err
	}
	if !strings.HasPrefix(signature, "SharedAccessSignature sr=") {
		return errors.New("its SharedAccessSignature is not of the form SharedAccessSignature sr=<…>&sig=<…>&se=<…>&skn=<…>")
	}
	return nil
}

func hubHost(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "sb" || u.Hostname() == "" || !ValidPort(u) {
		return "", errors.New("its Endpoint is not of the form sb://host[:port]/")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("its Endpoint holds more than sb://host[:port]/")
	}
	return u.Host, nil
}

// signIn returns the way to sign in to a service, in the words of the start log.
func signIn(entra bool, sas Secret) string {
	switch {
	case entra:
		return "Microsoft Entra ID"
	case sas != "":
		return "shared access signature"
	default:
		return "key"
	}
}
