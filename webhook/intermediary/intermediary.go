// Package intermediary finds out from an answer's header whether the connection to the sink ends at a proxy: the
// sidecar of a service mesh, an ingress, a gateway or an HTTP proxy.
//
// Falco queues requests in memory and loses them if it dies. The daemon notices that by the end of its connection. A
// connection to a proxy may stay open although Falco died.
//
// Falco's plugin k8saudit serves with Go's net/http, which sends neither a Server nor a Via header by itself, and the
// plugin adds none (https://github.com/falcosecurity/plugins/blob/main/plugins/k8saudit/pkg/k8saudit/source.go). So an
// answer with one of them came through a proxy. The reverse is not true: a mesh can be told to add nothing, and
// Linkerd adds a header only to the answers that it makes itself.
package intermediary

import (
	"net/http"
	"strings"
)

// maxName is the longest name in bytes. The name is a metric label and part of messages.
const maxName = 60

// Unnamed is the name of a proxy whose header has no text that can be shown.
const Unnamed = "a proxy"

// prefixes are the beginnings of headers that only one kind of proxy sends, in Go's spelling.
var prefixes = []struct{ prefix, name string }{
	{"X-Envoy-", "envoy"}, // https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter
	{"L5d-", "linkerd"},   // such as l5d-proxy-error, in answers that Linkerd's proxy makes itself
}

// Name returns the name of the proxy that answered or passed the answer on: the product in Server ("istio-envoy",
// "nginx"), or else the text of Via. It returns "" if the header shows no proxy.
func Name(header http.Header) string {
	if server, ok := header["Server"]; ok {
		product, _, _ := strings.Cut(strings.Join(server, " "), "/") // without a version
		return shown(product)
	}
	if via, ok := header["Via"]; ok {
		return shown(strings.Join(via, ", "))
	}
	for key := range header {
		for _, known := range prefixes {
			if strings.HasPrefix(key, known.prefix) {
				return known.name
			}
		}
	}
	return ""
}

// Shown is Name for messages: it returns Unnamed if the header repeats a secret. clean returns another text for a text
// with a secret. It gets the whole header, because it could not find the secret in a part of it.
func Shown(header http.Header, clean func(string) string) string {
	for _, values := range [][]string{header["Server"], header["Via"]} {
		if text := strings.Join(values, ", "); clean(text) != text {
			return Unnamed
		}
	}
	return Name(header)
}

// shown returns the printable ASCII of the text, at most maxName bytes.
func shown(text string) string {
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return ' '
		}
		return r
	}, text)
	printable = strings.Join(strings.Fields(printable), " ")
	if len(printable) > maxName {
		printable = printable[:maxName-3] + "..."
	}
	if printable == "" {
		return Unnamed
	}
	return printable
}
