package forwarder

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

const (
	testNamespace = "NS.servicebus.windows.net"
	testBlobURL   = "https://acct.blob.core.windows.net"
)

func TestAHostOrAnAddressInPlaceOfAConnectionStringMeansEntraID(t *testing.T) {
	cfg, err := Load(environ(variable.HubConnection+"=", variable.BlobConnection+"=", variable.HubNamespace+"="+testNamespace, variable.BlobURL+"="+testBlobURL+"/"))
	require.NoError(t, err)
	assert.Equal(t, connstr.HubConnection{Host: testNamespace, Entra: true}, cfg.HubConnection)
	assert.Equal(t, "ns.servicebus.windows.net", cfg.HubConnection.Namespace())
	assert.Equal(t, "Endpoint=sb://NS.servicebus.windows.net/", cfg.HubConnection.String())
	assert.Equal(t, &connstr.BlobConnection{ServiceURL: testBlobURL, Entra: true}, cfg.Blob)
	assert.Equal(t, "audit", cfg.HubName)
	assert.Equal(t, "checkpoints", cfg.BlobContainerName)
}

func TestHubAndStorageSignInIndependently(t *testing.T) {
	const signed = "BlobEndpoint=https://a.b;SharedAccessSignature=sv=1&sig=x"
	tests := map[string]struct {
		set       []string
		hub, blob string
	}{
		"two keys":       {nil, "key", "key"},
		"key for blobs":  {[]string{variable.HubConnection + "=", variable.HubNamespace + "=" + testNamespace}, "Microsoft Entra ID", "key"},
		"key for hub":    {[]string{variable.BlobConnection + "=", variable.BlobURL + "=" + testBlobURL}, "key", "Microsoft Entra ID"},
		"two signatures": {[]string{variable.HubConnection + "=" + testSigned, variable.BlobConnection + "=" + signed}, "shared access signature", "shared access signature"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, err := Load(environ(test.set...))
			require.NoError(t, err)
			assert.Equal(t, test.hub, cfg.LogFields()["hub_sign_in"])
			assert.Equal(t, test.blob, cfg.LogFields()["blob_sign_in"])
		})
	}
}

func TestCheckpointsInAFolderWorkWithEntraID(t *testing.T) {
	cfg, err := Load(environ(variable.HubConnection+"=", variable.HubNamespace+"="+testNamespace, variable.BlobConnection+"=", variable.Container+"=", variable.CheckpointDir+"=/c"))
	require.NoError(t, err)
	assert.True(t, cfg.HubConnection.Entra)
	assert.Nil(t, cfg.Blob)
}

func TestBothWaysToSignInAreAnError(t *testing.T) {
	_, err := Load(environ(variable.HubNamespace+"="+testNamespace, variable.BlobURL+"="+testBlobURL))
	require.Error(t, err)
	assert.Equal(t, "configuration: 2 environment variables are wrong or missing\n"+
		"  EVENTHUBNAMESPACE is set beside EHUBNAMESPACECONNECTIONSTRING: choose one, Microsoft Entra ID or a key\n"+
		"  BLOBSTORAGEURL is set beside BLOBSTORAGECONNECTIONSTRING: choose one, Microsoft Entra ID or a key", err.Error())
}

func TestNoWayToSignInIsAnErrorThatNamesBoth(t *testing.T) {
	_, err := Load(environ(variable.HubConnection+"=", variable.BlobConnection+"="))
	require.ErrorContains(t, err, "EHUBNAMESPACECONNECTIONSTRING is not set")
	require.ErrorContains(t, err, "(or set EVENTHUBNAMESPACE to sign in with Microsoft Entra ID)")
	require.ErrorContains(t, err, "BLOBSTORAGECONNECTIONSTRING is not set")
	require.ErrorContains(t, err, "(or set BLOBSTORAGEURL to sign in with Microsoft Entra ID, or CHECKPOINTDIR")
}

func TestAWrongHostOrAddressIsRefused(t *testing.T) {
	const host, address = "it should be a host name with dots", "it should be an https:// URL"
	tests := map[string]struct{ name, value, want string }{
		"a namespace without its domain": {variable.HubNamespace, "my-namespace", `EVENTHUBNAMESPACE is "my-namespace": ` + host},
		"an endpoint":                    {variable.HubNamespace, "sb://ns.servicebus.windows.net/", host},
		"a path":                         {variable.HubNamespace, "ns.servicebus.windows.net/hub", host},
		"a port that is none":            {variable.HubNamespace, "ns.servicebus.windows.net:x", host},
		"a user":                         {variable.HubNamespace, "k:s3cr3t@ns.servicebus.windows.net", host},
		"an account without its domain":  {variable.BlobURL, "acct", `BLOBSTORAGEURL is "acct": ` + address},
		"a host":                         {variable.BlobURL, "acct.blob.core.windows.net", address},
		"an address in the clear":        {variable.BlobURL, "http://acct.blob.core.windows.net", address},
		"an address with a signature":    {variable.BlobURL, testBlobURL + "/?sig=s3cr3t", address},
		"an address with a container":    {variable.BlobURL, testBlobURL + "/checkpoints", "its path belongs in BLOBCONTAINERNAME; " + address},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Load(inPlace(test.name, test.value))
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

func TestAnAddressMayHaveAPathIfItsHostDoesNotNameTheAccount(t *testing.T) {
	cfg, err := Load(inPlace(variable.BlobURL, "https://127.0.0.1:10000/devstoreaccount1"))
	require.NoError(t, err)
	assert.Equal(t, "https://127.0.0.1:10000/devstoreaccount1", cfg.Blob.ServiceURL)
}

func TestTheRetiredClientMaySignInWithEntraID(t *testing.T) {
	cfg, err := Load(append(inPlace(variable.HubNamespace, "127.0.0.1:5671"), retiredClient))
	require.NoError(t, err)
	assert.True(t, cfg.HubConnection.Entra)
	assert.Equal(t, ClientAzureEventHubsGo, cfg.HubClient)
}
