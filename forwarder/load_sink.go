package forwarder

import (
	"net/netip"
	"net/url"
	"strings"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

func (l *loader) sink() {
	l.sinkTLS()
	l.sinkToken()
	if !l.isSet(variable.SinkURL) {
		l.problems.missing(variable.SinkURL, "")
		return
	}
	u, err := url.Parse(l.in.SinkURL)
	if err != nil || !connstr.IsHTTPURL(u) {
		l.problems.wrong(variable.SinkURL)
		return
	}
	l.out.SinkURL = u
	l.sinkURLFits(u)
	l.sinkInClear(u)
	if u.Port() == "8765" {
		l.warn(variable.SinkURL + " has port 8765, where Falco took audit events " +
			"until 0.31; since 0.32 its k8saudit plugin listens on 9765")
	}
}

func (l *loader) sinkTLS() {
	l.out.SinkCAFile = l.in.SinkCAFile
	l.out.SinkCertFile, l.out.SinkKeyFile = l.in.SinkCertFile, l.in.SinkKeyFile
	l.path(variable.SinkCAFile, l.in.SinkCAFile)
	l.path(variable.SinkCertFile, l.in.SinkCertFile)
	l.path(variable.SinkKeyFile, l.in.SinkKeyFile)
	const alone = "is set without %s: a certificate and its key go together"
	switch certificate, key := l.isSet(variable.SinkCertFile), l.isSet(variable.SinkKeyFile); {
	case certificate && !key:
		l.problems.add(variable.SinkCertFile, alone, variable.SinkKeyFile)
	case key && !certificate:
		l.problems.add(variable.SinkKeyFile, alone, variable.SinkCertFile)
	}
}

func (l *loader) sinkToken() {
	l.out.SinkToken, l.out.SinkTokenFile = l.in.SinkToken, l.in.SinkTokenFile
	l.path(variable.SinkTokenFile, l.in.SinkTokenFile)
	if l.isSet(variable.SinkToken) && !ValidToken(l.in.SinkToken.Reveal()) {
		l.problems.wrong(variable.SinkToken)
	}
	if l.isSet(variable.SinkToken) && l.isSet(variable.SinkTokenFile) {
		l.problems.add(variable.SinkToken, "is set beside %s: keep one of them", variable.SinkTokenFile)
	}
}

// path checks that a value can only be a path, because later errors about the file show it.
func (l *loader) path(name, value string) {
	if l.isSet(name) && !looksLikePath(value) {
		l.problems.add(name, "is %s: it should be %s", shownPath(value), variable.Lookup(name).Wants)
	}
}

// sinkURLFits refuses settings without effect for the sink's URL. An operator who sets a certificate does not expect
// audit events to be sent unencrypted.
func (l *loader) sinkURLFits(u *url.URL) {
	if u.Scheme != "https" {
		for _, name := range []string{variable.SinkCAFile, variable.SinkCertFile, variable.SinkKeyFile} {
			if l.isSet(name) {
				l.problems.add(name, "is set, but %s is no https:// URL, so it would have no effect", variable.SinkURL)
			}
		}
	}
	if u.User == nil {
		return
	}
	for _, name := range []string{variable.SinkToken, variable.SinkTokenFile} {
		if l.isSet(name) {
			l.problems.add(name, "is set, but %s has a user in it, and a request has one authorisation only: keep one of them", variable.SinkURL)
		}
	}
}

// sinkInClear warns if a secret is sent to the sink unencrypted. On the loopback nothing can listen in.
func (l *loader) sinkInClear(u *url.URL) {
	if u.Scheme != "http" || isLoopback(u.Hostname()) {
		return
	}
	what := ""
	switch {
	case l.isSet(variable.SinkToken):
		what = "the token in " + variable.SinkToken
	case l.isSet(variable.SinkTokenFile):
		what = "the token that " + variable.SinkTokenFile + " names"
	case u.User != nil:
		what = "the user and password in " + variable.SinkURL
	default:
		return
	}
	l.warn(what + " and the audit events are sent without encryption, so anyone on the way can read them: give the sink a certificate and " +
		variable.SinkURL + " https://, or leave the secret out if the sink does not ask for it, as Falco does not")
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// ValidToken reports whether a token can be sent in a header: it is visible ASCII. RFC 6750 allows slightly less.
func ValidToken(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return token != ""
}

// eventSize checks the largest audit event. A list with only that event must stay below Falco's webhookMaxBatchSize of
// 12 MiB. The smallest size leaves room for the parts of an event that are not its objects.
func (l *loader) eventSize() {
	l.out.SinkMaxEventSize = l.in.MaxEventSize
	if l.in.MaxEventSize < 1024 || l.in.MaxEventSize > 12_000_000 {
		l.problems.wrong(variable.MaxEventSize)
	}
}
