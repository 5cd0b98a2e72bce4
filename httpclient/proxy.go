package httpclient

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ProxyFor returns the proxy of requests to the URL, without its user, password and query, or "" if there is none.
// Requests to the loopback and to a host in the cluster have none, even if NO_PROXY does not say so: AKS sets
// HTTP_PROXY in all pods of a cluster with an HTTP proxy, and its NO_PROXY lacks the names that end in .svc
// (https://github.com/Azure/AKS/issues/3174).
func ProxyFor(target *url.URL) string {
	proxy, err := proxyFor(&http.Request{URL: target})
	if err != nil || proxy == nil {
		return ""
	}
	return (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String()
}

// proxyFor returns the proxy of a request, or nil.
func proxyFor(req *http.Request) (*url.URL, error) {
	if inCluster(req.URL.Hostname()) {
		return nil, nil //nolint:nilnil // http.Transport wants it so
	}
	return http.ProxyFromEnvironment(req)
}

// inCluster reports whether only a cluster knows the host's name: it has no dot, or it names a Service or a pod. The
// cluster's domain is usually cluster.local, but can be any.
func inCluster(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if net.ParseIP(host) != nil {
		return false
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc") || strings.Contains(host, ".svc.") ||
		strings.HasSuffix(host, ".cluster.local")
}
