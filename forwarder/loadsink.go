package forwarder

import "net/url"

func (l *loader) sink() {
	l.sinkTLS()
	l.sinkToken()
	if !l.isSet(varSinkURL) {
		l.missing(varSinkURL, "")
		return
	}
	u, err := url.Parse(l.in.SinkURL)
	if err != nil || !httpURL(u) {
		l.wrong(varSinkURL)
		return
	}
	l.out.SinkURL = u
	l.sinkURLFits(u)
	if u.Port() == "8765" {
		l.out.Warnings = append(l.out.Warnings, varSinkURL+" has port 8765, where Falco took audit events "+
			"until 0.31; since 0.32 its k8saudit plugin listens on 9765")
	}
}

func (l *loader) sinkTLS() {
	l.out.SinkCAFile = l.in.SinkCAFile
	l.out.SinkCertFile, l.out.SinkKeyFile = l.in.SinkCertFile, l.in.SinkKeyFile
	l.path(varSinkCAFile, l.in.SinkCAFile)
	l.path(varSinkCertFile, l.in.SinkCertFile)
	l.path(varSinkKeyFile, l.in.SinkKeyFile)
	const alone = "is set without %s: a certificate and its key go together"
	switch certificate, key := l.isSet(varSinkCertFile), l.isSet(varSinkKeyFile); {
	case certificate && !key:
		l.say(varSinkCertFile, alone, varSinkKeyFile)
	case key && !certificate:
		l.say(varSinkKeyFile, alone, varSinkCertFile)
	}
}

func (l *loader) sinkToken() {
	l.out.SinkToken, l.out.SinkTokenFile = l.in.SinkToken, l.in.SinkTokenFile
	l.path(varSinkTokenFile, l.in.SinkTokenFile)
	if l.isSet(varSinkToken) && !ValidToken(l.in.SinkToken.Reveal()) {
		l.wrong(varSinkToken)
	}
	if l.isSet(varSinkToken) && l.isSet(varSinkTokenFile) {
		l.say(varSinkToken, "is set beside %s: keep one of them", varSinkTokenFile)
	}
}

// path wants what can only be a path: whoever reads the file later may then show it.
func (l *loader) path(name, value string) {
	if l.isSet(name) && !looksLikePath(value) {
		l.say(name, "is %s: it should be %s", shownPath(value), variable(name).Wants)
	}
}

// sinkURLFits refuses what would have no effect with the URL that the sink has: whoever sets a
// certificate does not mean to send audit events unencrypted.
func (l *loader) sinkURLFits(u *url.URL) {
	if u.Scheme != "https" {
		for _, name := range []string{varSinkCAFile, varSinkCertFile, varSinkKeyFile} {
			if l.isSet(name) {
				l.say(name, "is set, but %s is no https:// URL, so it would have no effect", varSinkURL)
			}
		}
	}
	if u.User == nil {
		return
	}
	for _, name := range []string{varSinkToken, varSinkTokenFile} {
		if l.isSet(name) {
			l.say(name, "is set, but %s has a user in it, and a request has one authorisation only: keep one of them", varSinkURL)
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
