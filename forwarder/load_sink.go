package forwarder

import (
	"net/url"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

func (l *loader) sink() {
	l.sinkTLS()
	l.sinkToken()
	if !l.isSet(variable.SinkURL) {
		l.missing(variable.SinkURL, "")
		return
	}
	u, err := url.Parse(l.in.SinkURL)
	if err != nil || !connstr.IsHTTPURL(u) {
		l.wrong(variable.SinkURL)
		return
	}
	l.out.SinkURL = u
	l.sinkURLFits(u)
	if u.Port() == "8765" {
		l.out.Warnings = append(l.out.Warnings, variable.SinkURL+" has port 8765, where Falco took audit events "+
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
		l.say(variable.SinkCertFile, alone, variable.SinkKeyFile)
	case key && !certificate:
		l.say(variable.SinkKeyFile, alone, variable.SinkCertFile)
	}
}

func (l *loader) sinkToken() {
	l.out.SinkToken, l.out.SinkTokenFile = l.in.SinkToken, l.in.SinkTokenFile
	l.path(variable.SinkTokenFile, l.in.SinkTokenFile)
	if l.isSet(variable.SinkToken) && !ValidToken(l.in.SinkToken.Reveal()) {
		l.wrong(variable.SinkToken)
	}
	if l.isSet(variable.SinkToken) && l.isSet(variable.SinkTokenFile) {
		l.say(variable.SinkToken, "is set beside %s: keep one of them", variable.SinkTokenFile)
	}
}

// path wants what can only be a path: whoever reads the file later may then show it.
func (l *loader) path(name, value string) {
	if l.isSet(name) && !looksLikePath(value) {
		l.say(name, "is %s: it should be %s", shownPath(value), variable.Lookup(name).Wants)
	}
}

// sinkURLFits refuses what would have no effect with the URL that the sink has: whoever sets a
// certificate does not mean to send audit events unencrypted.
func (l *loader) sinkURLFits(u *url.URL) {
	if u.Scheme != "https" {
		for _, name := range []string{variable.SinkCAFile, variable.SinkCertFile, variable.SinkKeyFile} {
			if l.isSet(name) {
				l.say(name, "is set, but %s is no https:// URL, so it would have no effect", variable.SinkURL)
			}
		}
	}
	if u.User == nil {
		return
	}
	for _, name := range []string{variable.SinkToken, variable.SinkTokenFile} {
		if l.isSet(name) {
			l.say(name, "is set, but %s has a user in it, and a request has one authorisation only: keep one of them", variable.SinkURL)
		}
	}
}

// ValidToken reports whether a token can be sent in a header: visible ASCII, as in RFC 6750, which
// allows a little less.
func ValidToken(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return token != ""
}
