package connstr

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBlobConnectionStringsAreReadInAllTheirForms(t *testing.T) {
	tests := map[string]struct {
		in   string
		want BlobConnection
	}{
		"as the portal writes it": {
			in:   "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5;EndpointSuffix=core.windows.net",
			want: BlobConnection{ServiceURL: "https://acct.blob.core.windows.net", AccountName: "acct", AccountKey: "a2V5"},
		},
		"without protocol and suffix": {
			in:   "AccountName=acct;AccountKey=a2V5;",
			want: BlobConnection{ServiceURL: "https://acct.blob.core.windows.net", AccountName: "acct", AccountKey: "a2V5"},
		},
		"of a sovereign cloud, in another case": {
			in:   "defaultendpointsprotocol=HTTP;ACCOUNTNAME=acct;accountkey=YQ==;endpointsuffix=core.chinacloudapi.cn",
			want: BlobConnection{ServiceURL: "http://acct.blob.core.chinacloudapi.cn", AccountName: "acct", AccountKey: "YQ=="},
		},
		"of Azurite, with the endpoints of other services and a trailing slash": {
			in: "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;" +
				"BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1/;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;",
			want: BlobConnection{ServiceURL: "http://127.0.0.1:10000/devstoreaccount1", AccountName: "devstoreaccount1", AccountKey: "a2V5"},
		},
		"a shared access signature with an endpoint": {
			in:   "BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=?sv=2024-11-04&sig=x%3D",
			want: BlobConnection{ServiceURL: "https://acct.blob.core.windows.net", SAS: "sv=2024-11-04&sig=x%3D"},
		},
		"a shared access signature with an account": {
			in:   "AccountName=acct;SharedAccessSignature=sv=2024-11-04&sig=x%3D;EndpointSuffix=core.usgovcloudapi.net",
			want: BlobConnection{ServiceURL: "https://acct.blob.core.usgovcloudapi.net", AccountName: "acct", SAS: "sv=2024-11-04&sig=x%3D"},
		},
		"Azurite's short form": {
			in:   "UseDevelopmentStorage=true",
			want: BlobConnection{ServiceURL: "http://127.0.0.1:10000/devstoreaccount1", AccountName: "devstoreaccount1", AccountKey: azuriteKey},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseBlobConnection(test.in)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestWrongBlobConnectionStringsAreNamedWithoutTheirSecrets(t *testing.T) {
	const key = "czNjcjN0"
	const endpointForm = "its BlobEndpoint is not of the form"
	tests := map[string]struct{ in, want string }{
		"nothing but a key":           {key, "piece 1 between its semicolons is not of the form Key=Value"},
		"no account":                  {"AccountKey=" + key, "AccountName is missing in it"},
		"no key":                      {"AccountName=acct", "neither AccountKey nor SharedAccessSignature is in it"},
		"key and signature":           {"AccountName=acct;AccountKey=" + key + ";SharedAccessSignature=sig=" + key, "choose one"},
		"a key that is not base64":    {"AccountName=acct;AccountKey=!" + key, "its AccountKey is not base64"},
		"a signature without address": {"SharedAccessSignature=sig=" + key, "neither BlobEndpoint nor AccountName is in it"},
		"an account against the rules": {
			"AccountName=Not_An_Account;AccountKey=" + key, "its AccountName is not 3 to 24 lower case letters and digits",
		},
		"an endpoint of another scheme":  {"BlobEndpoint=ftp://a.b;SharedAccessSignature=" + key, endpointForm},
		"an endpoint without a scheme":   {"BlobEndpoint=a.b;SharedAccessSignature=" + key, endpointForm},
		"an endpoint with a query":       {"BlobEndpoint=https://a.b/?sig=" + key + ";SharedAccessSignature=x", endpointForm},
		"an endpoint with a password":    {"BlobEndpoint=https://u:" + key + "@a.b;SharedAccessSignature=x", endpointForm},
		"another protocol":               {"DefaultEndpointsProtocol=ftp;AccountName=acct;AccountKey=" + key, "its DefaultEndpointsProtocol is not http or https"},
		"a suffix that is no host":       {"AccountName=acct;AccountKey=" + key + ";EndpointSuffix=a/b", "its EndpointSuffix is not a host name"},
		"Azurite's short form, proxied":  {"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://" + key, "DevelopmentStorageProxyUri is not supported"},
		"Azurite's short form, unwanted": {"UseDevelopmentStorage=false", "neither AccountKey nor SharedAccessSignature is in it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseBlobConnection(test.in)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), key)
		})
	}
}

func TestABlobConnectionPrintsWithoutItsSecrets(t *testing.T) {
	c := BlobConnection{ServiceURL: "https://acct.blob.core.windows.net", AccountKey: "s3cr3t", SAS: "t0k3n"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, c), "s3cr3t", verb)
		assert.NotContains(t, fmt.Sprintf(verb, &c), "t0k3n", verb)
	}
	assert.Equal(t, "https://acct.blob.core.windows.net", c.String())
}

func FuzzBlobConnectionStrings(f *testing.F) {
	f.Add("DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5;EndpointSuffix=core.windows.net")
	f.Add("BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1/;SharedAccessSignature=?sv=1&sig=x")
	f.Add("UseDevelopmentStorage=true")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseBlobConnection(s)
		if err != nil {
			return
		}
		assert.Regexp(t, `^https?://[^/?#]+`, c.ServiceURL)
		assert.NotEqual(t, c.AccountKey == "", c.SAS == "", "one of key and signature")
	})
}
