package connstr

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHubConnectionStringsAreRead(t *testing.T) {
	tests := map[string]struct {
		in   string
		want HubConnection
	}{
		"of a namespace, with a trailing semicolon, which the portal does not write": {
			in:   "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=abc=;",
			want: HubConnection{Host: "ns.servicebus.windows.net", KeyName: "listen", Key: "abc="},
		},
		"of a hub": {
			in:   "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=abc;EntityPath=audit",
			want: HubConnection{Host: "ns.servicebus.windows.net", KeyName: "listen", Key: "abc", EntityPath: "audit"},
		},
		"with its keys in any case, any order and white space between": {
			in:   " entitypath = audit ; SHAREDACCESSKEY=a=b== ;sharedAccessKeyName=k;ENDPOINT=SB://NS.Example.com",
			want: HubConnection{Host: "NS.Example.com", KeyName: "k", Key: "a=b==", EntityPath: "audit"},
		},
		"with a port": {
			in:   "Endpoint=sb://127.0.0.1:5671/;SharedAccessKeyName=k;SharedAccessKey=v",
			want: HubConnection{Host: "127.0.0.1:5671", KeyName: "k", Key: "v"},
		},
		"with UseDevelopmentEmulator=false, which has no effect": {
			in:   "Endpoint=sb://a.b;SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=false",
			want: HubConnection{Host: "a.b", KeyName: "k", Key: "v"},
		},
		"of Microsoft's emulator": {
			in:   "Endpoint=sb://localhost;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=True;",
			want: HubConnection{Host: "localhost", KeyName: "RootManageSharedAccessKey", Key: "SAS_KEY_VALUE", Emulator: true},
		},
		"with a signature": {
			in:   "Endpoint=sb://a.b/;SharedAccessSignature=SharedAccessSignature sr=a.b&sig=x%3d&se=1&skn=k;EntityPath=audit",
			want: HubConnection{Host: "a.b", SAS: "SharedAccessSignature sr=a.b&sig=x%3d&se=1&skn=k", EntityPath: "audit"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseHubConnection(test.in)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestWrongHubConnectionStringsAreNamedWithoutTheirKey(t *testing.T) {
	const tail = ";SharedAccessKeyName=k;SharedAccessKey=s3cr3t"
	tests := map[string]struct{ in, want string }{
		"nothing but a key":          {"s3cr3t", "piece 1 between its semicolons is not of the form Key=Value"},
		"a piece without a value":    {"Endpoint=sb://a.b;s3cr3t", "piece 2 between its semicolons is not of the form Key=Value"},
		"a piece without a key":      {"Endpoint=sb://a.b;=s3cr3t", "piece 2 between its semicolons is not of the form Key=Value"},
		"a key twice":                {"Endpoint=sb://a.b" + tail + ";sharedaccesskey=s3cr3t", "piece 4 between its semicolons repeats"},
		"no endpoint":                {"SharedAccessKeyName=k;SharedAccessKey=s3cr3t", "Endpoint is missing in it"},
		"no key name":                {"Endpoint=sb://a.b;SharedAccessKey=s3cr3t", "SharedAccessKeyName is missing in it"},
		"an empty key":               {"Endpoint=sb://a.b;SharedAccessKeyName=k;SharedAccessKey=", "SharedAccessKey is missing in it"},
		"nothing that is needed":     {"EntityPath=s3cr3t", "Endpoint, SharedAccessKeyName, SharedAccessKey are missing in it"},
		"another scheme":             {"Endpoint=https://a.b/" + tail, "not of the form sb://host[:port]/"},
		"an endpoint without a host": {"Endpoint=sb:///" + tail, "not of the form sb://host[:port]/"},
		"a port out of range":        {"Endpoint=sb://a.b:70000/" + tail, "not of the form sb://host[:port]/"},
		"an empty port":              {"Endpoint=sb://a.b:/" + tail, "not of the form sb://host[:port]/"},
		"an endpoint that is no URL": {"Endpoint=sb://a.b:s3cr3t/" + tail, "not of the form sb://host[:port]/"},
		"a user in the endpoint":     {"Endpoint=sb://u:s3cr3t@a.b/" + tail, "holds more than sb://host[:port]/"},
		"a path in the endpoint":     {"Endpoint=sb://a.b/s3cr3t" + tail, "holds more than sb://host[:port]/"},
		"a signature and a key":      {"Endpoint=sb://a.b" + tail + ";SharedAccessSignature=SharedAccessSignature sr=s3cr3t", "has both a SharedAccessSignature and a SharedAccessKey"},
		"a signature and a key name": {"Endpoint=sb://a.b;SharedAccessKeyName=k;SharedAccessSignature=SharedAccessSignature sr=s3cr3t", "has both a SharedAccessSignature and a SharedAccessKey"},
		"a signature of no hub":      {"SharedAccessSignature=SharedAccessSignature sr=s3cr3t", "Endpoint is missing in it"},
		"an empty signature":         {"Endpoint=sb://a.b;SharedAccessSignature=", "SharedAccessSignature is missing in it"},
		"a storage signature":        {"Endpoint=sb://a.b;SharedAccessSignature=sv=1&sig=s3cr3t", "is not of the form SharedAccessSignature sr="},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseHubConnection(test.in)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

func TestTheNamespaceIsTheHostInLowerCaseWithoutItsPort(t *testing.T) {
	assert.Equal(t, "ns.example.com", HubConnection{Host: "NS.Example.com"}.Namespace())
	assert.Equal(t, "127.0.0.1", HubConnection{Host: "127.0.0.1:5671"}.Namespace())
}

func TestAHubConnectionPrintsWithoutItsKey(t *testing.T) {
	c := HubConnection{Host: "a.b:1", KeyName: "k", Key: "s3cr3t", EntityPath: "hub"}
	assert.Equal(t, "Endpoint=sb://a.b:1/;SharedAccessKeyName=k;SharedAccessKey=(redacted);EntityPath=hub", c.String())
	signed := HubConnection{Host: "a.b", SAS: "s3cr3t", Emulator: true, WebSockets: true}
	assert.Equal(t, "Endpoint=sb://a.b/;SharedAccessSignature=(redacted);UseDevelopmentEmulator=true;TransportType=AmqpWebSockets", signed.String())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, c), "s3cr3t", verb)
		assert.NotContains(t, fmt.Sprintf(verb, signed), "s3cr3t", verb)
	}
}

func FuzzHubConnectionStrings(f *testing.F) {
	f.Add("Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=abc=;EntityPath=audit;")
	f.Add("Endpoint=sb://[::1]:5671;SharedAccessKeyName=;SharedAccessKey==;;")
	f.Add("Endpoint=sb://localhost;SharedAccessSignature=SharedAccessSignature sr=a&sig=b;UseDevelopmentEmulator=true")
	f.Add("Endpoint=sb://a.b;SharedAccessKeyName=k;SharedAccessKey=a;TransportType=AmqpWebSockets")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseHubConnection(s)
		if err != nil {
			return
		}
		// A connection that was accepted must be accepted again as it is printed.
		secret := "SharedAccessKeyName=" + c.KeyName + ";SharedAccessKey=" + c.Key.Reveal()
		if c.SAS != "" {
			secret = "SharedAccessSignature=" + c.SAS.Reveal()
		}
		if c.WebSockets {
			secret += ";TransportType=amqpwebsockets"
		}
		reparsed, err := ParseHubConnection("Endpoint=sb://" + c.Host + "/;" + secret + ";EntityPath=" + c.EntityPath +
			";UseDevelopmentEmulator=" + strconv.FormatBool(c.Emulator))
		require.NoError(t, err)
		assert.Equal(t, c, reparsed)
		assert.NotEmpty(t, c.Namespace())
	})
}
