package advice

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

func TestTheWarningSaysWhatLeadsPast(t *testing.T) {
	for name, want := range map[string]string{
		"istio-envoy": `traffic.sidecar.istio.io/excludeOutboundPorts: "9765"`,
		"linkerd":     `config.linkerd.io/skip-outbound-ports: "9765"`,
		"nginx":       "the address of Falco's own Service",
	} {
		warning := Intermediary(name, "9765")
		assert.Contains(t, warning, "the connection ends at "+name+", not at Falco: a restart of Falco can lose up to 50 requests")
		assert.Contains(t, warning, want)
	}
}

func TestAProxyOnTheWayToTheSinkIsWarnedOf(t *testing.T) {
	for sink, want := range map[string]string{
		"http://falco.example/k8s-audit":             "audit events go through the HTTP proxy http://10.0.0.4:3128 in clear: ",
		"http://user:s3cr3t@falco.example/k8s-audit": "audit events and the credentials for the sink go through the HTTP proxy http://10.0.0.4:3128 in clear: ",
		"https://falco.example/k8s-audit":            "audit events go through the HTTP proxy http://10.0.0.4:3128: ",
	} {
		address, err := url.Parse(sink)
		require.NoError(t, err)
		warning := throughProxy(forwarder.Config{SinkURL: address}, "http://10.0.0.4:3128")
		assert.True(t, strings.HasPrefix(warning, want), warning)
		assert.Contains(t, warning, "NO_PROXY")
		assert.NotContains(t, warning, "s3cr3t")
		assert.Empty(t, throughProxy(forwarder.Config{SinkURL: address}, ""))
	}
	address := &url.URL{Scheme: "http", Host: "falco.example"}
	for _, cfg := range []forwarder.Config{{SinkURL: address, SinkToken: "t"}, {SinkURL: address, SinkTokenFile: "/t"}} {
		assert.Contains(t, throughProxy(cfg, "http://10.0.0.4:3128"), "credentials")
	}
}

func TestThePortOfASinkIsKnownAlsoWhereItIsNotWritten(t *testing.T) {
	for sink, want := range map[string]string{"http://a:9765/": "9765", "http://a/": "80", "https://a/": "443", "http://[fd00::1]:1/": "1"} {
		address, err := url.Parse(sink)
		require.NoError(t, err)
		assert.Equal(t, want, Port(address))
	}
}

func TestAProxyThatCannotBeReachedIsNotTakenForTheSink(t *testing.T) {
	text := NoAnswer(errors.New("proxyconnect tcp: dial tcp 10.0.0.4:3128: connect: connection refused"))
	assert.Contains(t, text, "the HTTP proxy")
	assert.NotContains(t, text, "Falco runs")
}
