package status

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"aks-audit-log-go/forwarder/variable"
)

// innerSuffixes are the ends of host names that nobody can register on the Internet: those of the Services and pods of
// a Kubernetes cluster, and of this machine (RFC 6761).
var innerSuffixes = []string{".svc", ".cluster.local", ".localhost"}

// hosts are the host names under which the status is shown. An Internet page whose name suddenly resolves to this
// server's address (DNS rebinding) is the same site for a browser, and could read the status. But the browser still
// sends the name of that page as the host. This protects only against browsers, because any other client can send any
// host.
type hosts map[string]bool

// newHosts returns this machine's name, which is the pod's, and the configured names.
func newHosts(configured []string) hosts {
	h := hosts{}
	// If the machine has no name, there is one less allowed.
	if own, err := os.Hostname(); err == nil {
		h[plainName(own)] = true
	}
	for _, name := range configured {
		h[plainName(name)] = true
	}
	return h
}

// allow reports whether the status is shown under the host of a request, with or without a port. An IP address is
// allowed, because no DNS resolves it, and a name without a dot, because nobody owns it on the Internet. Browsers
// always send a host.
func (h hosts) allow(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	name = plainName(name)
	for _, suffix := range innerSuffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return !strings.Contains(name, ".") || h[name]
}

// only returns a handler that answers 403 under other host names.
func (h hosts) only(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !h.allow(r.Host) {
			answer(w, http.StatusForbidden, "the status is not shown under this host name, so that no page of the Internet can read it: "+
				"use an IP address, localhost or <service>.<namespace>.svc, or add the name to "+variable.StatsHosts)
			return
		}
		next(w, r)
	}
}

// plainName returns a host name in lower case and without its final dot.
func plainName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
