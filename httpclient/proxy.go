package httpclient

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ProxyFor returns the proxy that requests to the URL go through, without its user, password and query, or "" if they
// go through none. It never is one for the loopback and for a host in the cluster, whatever NO_PROXY says: AKS sets
// HTTP_PROXY in all pods of a cluster with an HTTP proxy, and its NO_PROXY lacks the names that end in .svc
// (https://github.com/Azure/AKS/issues/3174).
func ProxyFor(target *url.URL) string {
	proxy, err := proxyFor(&http.Request{URL: target})
	if err != nil || proxy == nil {
		return ""
	}
	return (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String()
}

// proxyFor returns the proxy of a request, nil if it goes through none.
func proxyFor(req *http.Request) (*url.URL, error) {
	if inCluster(req.URL.Hostname()) {
		return nil, nil //nolint:nilnil // http.Transport wants it so
	}
	return http.ProxyFromEnvironment(req)
}

// inCluster reports whether only a cluster knows the host's name: it has no dot, or is that of a Service or a pod. The
// name of the cluster's domain is usually cluster.local, but can be any.
func inCluster(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if net.ParseIP(host) != nil {
		return false
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc") || strings.Contains(host, ".svc.") ||
		strings.HasSuffix(host, ".cluster.local")
}
