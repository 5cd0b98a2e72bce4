// Package advice says what an operator can do about the way to the sink.
package advice

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/httpclient"
)

// NoAnswer returns what to do if the sink did not answer. It uses the error's text, because net/http has no error
// values for most cases.
func NoAnswer(err error) string {
	text := err.Error()
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("proxyconnect "):
		return "the HTTP proxy before it (HTTP_PROXY, HTTPS_PROXY) cannot be reached"
	case has("lookup "):
		return "there is no such host: Falco's Service is <service>.<namespace>, as in falco-k8saudit-webhook.falco"
	case has("HTTP response to HTTPS client"), has("first record does not look like a TLS handshake"):
		return "it speaks HTTP, not HTTPS: begin WEBSINKURL with http://"
	case has("x509"), has("certificate"):
		return "the sink's or the client's certificate is not trusted: name the authority of the sink's certificate in WEBSINKCAFILE, and use a host name that the certificate has"
	case has("connection refused"):
		return "nothing listens there: look whether Falco runs with the k8saudit plugin (port 9765) and whether the Service has endpoints"
	case errors.Is(err, context.DeadlineExceeded), has("i/o timeout"):
		return "look whether a network policy or a wrong port is in the way (Falco's is 9765), or whether Falco is overloaded: it then answers slowly"
	default:
		return "look at the sink's log, and at what is between it and here"
	}
}

// SlowAnswer says why Falco may take long to answer a small body.
const SlowAnswer = "it answers slower than 1 s to a small body: Falco's queue is full, or the plugins' useAsync is on, their default, " +
	"with which Falco takes a few events a second: set useAsync: false in the init_config of k8saudit and json"

// NotFalco says how a proxy is recognized, and when that is wrong.
const NotFalco = "Falco's answers have neither Server nor Via; ignore this if the sink is of another kind"

// Intermediary says what it means that the connection ends at a proxy, and what to do. port is the sink's.
func Intermediary(name, port string) string {
	lower, past := strings.ToLower(name), ""
	switch {
	case strings.Contains(lower, "envoy"):
		past = fmt.Sprintf("in Istio, annotate this pod with traffic.sidecar.istio.io/excludeOutboundPorts: %q, and Falco's with excludeInboundPorts", port)
	case strings.Contains(lower, "linkerd"):
		past = fmt.Sprintf("annotate this pod with config.linkerd.io/skip-outbound-ports: %q, and Falco's with skip-inbound-ports", port)
	default:
		past = "give WEBSINKURL the address of Falco's own Service, without an ingress, gateway or proxy in between"
	}
	return fmt.Sprintf("the connection ends at %s, not at Falco: a restart of Falco can lose up to 50 requests; %s", name, past)
}

// Port returns the port of the URL, or the default port of its scheme.
func Port(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// Proxy says that the sink is reached through an HTTP proxy, and what that means, or "" if it is not.
func Proxy(cfg forwarder.Config) string {
	return throughProxy(cfg, httpclient.ProxyFor(cfg.SinkURL))
}

func throughProxy(cfg forwarder.Config, proxy string) string {
	if proxy == "" {
		return ""
	}
	what := "audit events"
	if cfg.SinkURL.User != nil || cfg.SinkToken != "" || cfg.SinkTokenFile != "" {
		what += " and the credentials for the sink"
	}
	how := ""
	if cfg.SinkURL.Scheme == "http" {
		how = " in clear"
	}
	return fmt.Sprintf("%s go through the HTTP proxy %s%s: if Falco is in this cluster, write its host as "+
		"<service>.<namespace>.svc in WEBSINKURL, or add the host to NO_PROXY", what, proxy, how)
}

// WebPage says what it means that a web page answers a POST, and what to do.
const WebPage = "that is a web page, not a webhook: look at host, port and path of WEBSINKURL " +
	"(Falco's: http://<service>:9765/k8s-audit)"

// Endpoint says what to do about an answer that shows a mistake in WEBSINKURL, or "" if it shows none. head is the
// beginning of the body.
func Endpoint(status int, head string) string {
	switch {
	case NeedsHTTPS(status, head):
		return "it speaks HTTPS: begin WEBSINKURL with https://"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return "no webhook is at this path: it has to be that of open_params in Falco's configuration, by default /k8s-audit, without a slash at the end"
	}
	return ""
}

// NeedsHTTPS reports whether an answer says that the server takes only HTTPS, in the words of Go's server or of nginx.
// Both answer 400 before they have read the request.
func NeedsHTTPS(status int, head string) bool {
	return status == http.StatusBadRequest &&
		(strings.Contains(head, "HTTP request to an HTTPS server") || strings.Contains(head, "plain HTTP request was sent to HTTPS port"))
}
