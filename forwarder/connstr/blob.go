package connstr

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// These are the default account of Azurite, the storage emulator, and its key. Microsoft publishes the key, and it
// opens nothing else (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite).
const (
	azuriteURL     = "http://127.0.0.1:10000/devstoreaccount1"
	azuriteAccount = "devstoreaccount1"
	azuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// BlobConnection says where the blob service is and how to sign in. It is either an address alone, for Microsoft
// Entra ID, or a parsed Azure Storage connection string in one of these forms:
//
//	[DefaultEndpointsProtocol=https;]AccountName=<name>;AccountKey=<base64>[;EndpointSuffix=<suffix>]
//	BlobEndpoint=<url>;AccountName=<name>;AccountKey=<base64>
//	BlobEndpoint=<url>;SharedAccessSignature=<token>
//	AccountName=<name>;SharedAccessSignature=<token>[;EndpointSuffix=<suffix>]
//	UseDevelopmentStorage=true
//
// Printed in any way, it shows neither the key nor the signature.
type BlobConnection struct {
	// ServiceURL is the address of the blob service without a trailing slash, for example
	// https://<name>.blob.core.windows.net or http://127.0.0.1:10000/devstoreaccount1.
	ServiceURL string
	// AccountName is the storage account. It can be empty if SAS is set.
	AccountName string
	// AccountKey is the account's key in base64. Exactly one of AccountKey, SAS and Entra is set.
	AccountKey Secret
	// SAS is a shared access signature without a leading "?".
	SAS Secret
	// Entra is whether the daemon signs in with a token of Microsoft Entra ID. ServiceURL is then https.
	Entra bool
}

// SignIn returns the way to sign in to the storage, in words.
func (c BlobConnection) SignIn() string {
	return signIn(c.Entra, c.SAS)
}

// String returns the address of the blob service.
func (c BlobConnection) String() string { return c.ServiceURL }

// ParseBlobConnection parses a storage connection string. Its errors show no value.
func ParseBlobConnection(s string) (BlobConnection, error) {
	fields, err := connectionFields(s)
	if err != nil {
		return BlobConnection{}, err
	}
	if strings.EqualFold(fields["usedevelopmentstorage"], "true") {
		return azurite(fields)
	}
	c := BlobConnection{
		AccountName: fields["accountname"],
		AccountKey:  Secret(fields["accountkey"]),
		SAS:         Secret(strings.TrimPrefix(fields["sharedaccesssignature"], "?")),
	}
	if err = c.checkCredentials(); err != nil {
		return BlobConnection{}, err
	}
	c.ServiceURL, err = blobServiceURL(fields)
	if err != nil {
		return BlobConnection{}, err
	}
	return c, nil
}

func azurite(fields map[string]string) (BlobConnection, error) {
	if fields["developmentstorageproxyuri"] != "" {
		return BlobConnection{}, errors.New("DevelopmentStorageProxyUri is not supported: give BlobEndpoint, AccountName and AccountKey")
	}
	return BlobConnection{ServiceURL: azuriteURL, AccountName: azuriteAccount, AccountKey: azuriteKey}, nil
}

// checkCredentials checks that there is either an account key or a shared access signature.
func (c BlobConnection) checkCredentials() error {
	switch {
	case c.AccountKey == "" && c.SAS == "":
		return errors.New("neither AccountKey nor SharedAccessSignature is in it")
	case c.AccountKey != "" && c.SAS != "":
		return errors.New("both AccountKey and SharedAccessSignature are in it: choose one")
	case c.SAS != "":
		return nil
	case c.AccountName == "":
		return errors.New("AccountName is missing in it")
	}
	if _, err := base64.StdEncoding.DecodeString(c.AccountKey.Reveal()); err != nil {
		return errors.New("its AccountKey is not base64")
	}
	return nil
}

// blobServiceURL returns BlobEndpoint if it is set. Otherwise it builds the address as Azure's own SDKs do.
func blobServiceURL(fields map[string]string) (string, error) {
	if endpoint := fields["blobendpoint"]; endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || !IsHTTPURL(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return "", errors.New("its BlobEndpoint is not of the form http(s)://host[:port][/path]")
		}
		return strings.TrimRight(u.String(), "/"), nil
	}
	name := fields["accountname"]
	if name == "" {
		return "", errors.New("neither BlobEndpoint nor AccountName is in it")
	}
	if !validAccount(name) {
		return "", errors.New("its AccountName is not 3 to 24 lower case letters and digits")
	}
	protocol := strings.ToLower(fields["defaultendpointsprotocol"])
	if protocol == "" {
		protocol = "https"
	}
	suffix := strings.Trim(fields["endpointsuffix"], "./")
	if suffix == "" {
		suffix = "core.windows.net"
	}
	u, err := url.Parse(protocol + "://" + name + ".blob." + suffix)
	if err != nil || !IsHTTPURL(u) || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("its DefaultEndpointsProtocol is not http or https, or its EndpointSuffix is not a host name")
	}
	return u.String(), nil
}

// IsHTTPURL reports whether u is an http or https URL with a host.
func IsHTTPURL(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && ValidPort(u)
}
