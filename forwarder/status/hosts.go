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

// hosts are the host names under which the status is shown. A page of the Internet whose name suddenly means this
// server's address (DNS rebinding) counts for a browser as the same site, and could read the status. But the browser
// still sends the name of that page as the host. Only browsers are kept out by that: any other client can send any
// host.
type hosts map[string]bool

// newHosts returns this machine's name, which is the pod's, and the configured names.
func newHosts(configured []string) hosts {
	h := hosts{}
	// Without a name of its own, the machine has one less that is allowed.
	if own, err := os.Hostname(); err == nil {
		h[plainName(own)] = true
	}
	for _, name := range configured {
		h[plainName(name)] = true
	}
	return h
}

// allow reports whether the status is shown under a host as a request has it, with a port or without. An IP address is
// allowed, since no DNS is asked for it, and a name without a dot, since it has no owner on the Internet. No browser
// leaves the host out.
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

// plainName returns a host name in lower case and without the dot at its end.
func plainName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
