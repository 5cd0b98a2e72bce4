package connstr

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// The account that Azurite, the storage emulator, is born with. Its key is no secret:
// Microsoft publishes it, and it opens nothing else
// (https://learn.microsoft.com/azure/storage/common/storage-connect-azurite).
const (
	azuriteURL     = "http://127.0.0.1:10000/devstoreaccount1"
	azuriteAccount = "devstoreaccount1"
	azuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// BlobConnection is where the blob service is and how to sign in: an address alone, with Microsoft
// Entra ID, or a parsed Azure Storage connection string, in any of these forms:
//
//	[DefaultEndpointsProtocol=https;]AccountName=<name>;AccountKey=<base64>[;EndpointSuffix=<suffix>]
//	BlobEndpoint=<url>;AccountName=<name>;AccountKey=<base64>
//	BlobEndpoint=<url>;SharedAccessSignature=<token>
//	AccountName=<name>;SharedAccessSignature=<token>[;EndpointSuffix=<suffix>]
//	UseDevelopmentStorage=true
//
// It prints without its key and token.
type BlobConnection struct {
	// ServiceURL is the address of the blob service without a trailing slash, as in
	// https://<name>.blob.core.windows.net or http://127.0.0.1:10000/devstoreaccount1.
	ServiceURL string
	// AccountName is the storage account; it can be empty where SAS is set.
	AccountName string
	// AccountKey is the account's key, in base64. Exactly one of it, SAS and Entra is set.
	AccountKey Secret
	// SAS is a shared access signature, without a leading "?".
	SAS Secret
	// Entra is whether a token of Microsoft Entra ID is used. ServiceURL is https then.
	Entra bool
}

// SignIn says in words how the storage is signed in to.
func (c BlobConnection) SignIn() string {
	return signIn(c.Entra, c.SAS)
}

// String returns the address of the blob service.
func (c BlobConnection) String() string { return c.ServiceURL }

// parseBlobConnection reads a storage connection string. No error repeats any of its values.
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

// azurite is what UseDevelopmentStorage=true stands for.
func azurite(fields map[string]string) (BlobConnection, error) {
	if fields["developmentstorageproxyuri"] != "" {
		return BlobConnection{}, errors.New("DevelopmentStorageProxyUri is not supported: give BlobEndpoint, AccountName and AccountKey")
	}
	return BlobConnection{ServiceURL: azuriteURL, AccountName: azuriteAccount, AccountKey: azuriteKey}, nil
}

// checkCredentials wants exactly one of account key and shared access signature.
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

// blobServiceURL is BlobEndpoint where there is one, else put together as Azure's own SDKs do.
func blobServiceURL(fields map[string]string) (string, error) {
	if endpoint := fields["blobendpoint"]; endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || !HttpURL(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
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
	if err != nil || !HttpURL(u) || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("its DefaultEndpointsProtocol is not http or https, or its EndpointSuffix is not a host name")
	}
	return u.String(), nil
}

// httpURL reports whether u is an http or https URL with a host.
func HttpURL(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && ValidPort(u)
}
