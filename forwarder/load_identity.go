package forwarder

import (
	"errors"
	"net/url"
	"strings"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

// hubNamespace takes the host of EVENTHUBNAMESPACE, where no key is wanted.
func (l *loader) hubNamespace() {
	if l.isSet(variable.HubConnection) {
		l.eitherOr(variable.HubNamespace, variable.HubConnection)
		return
	}
	// What the host of a URL may be, a namespace may be too.
	u, err := url.Parse("sb://" + l.in.HubNamespace)
	if err != nil || u.Host != l.in.HubNamespace || !connstr.ValidPort(u) || !strings.Contains(u.Hostname(), ".") {
		l.wrong(variable.HubNamespace)
		return
	}
	l.out.HubConnection = connstr.HubConnection{Host: u.Host, Entra: true}
}

// blobURL takes the address of BLOBSTORAGEURL, where no key is wanted.
func (l *loader) blobURL() {
	if l.isSet(variable.BlobConnection) {
		l.eitherOr(variable.BlobURL, variable.BlobConnection)
		return
	}
	u, err := url.Parse(l.in.BlobURL)
	switch {
	// A token must not go over the net in the clear.
	case err != nil || !connstr.IsHTTPURL(u) || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		l.wrong(variable.BlobURL)
	case strings.Contains(u.Hostname(), ".blob.") && strings.Trim(u.Path, "/") != "":
		l.wrongBecause(variable.BlobURL, errors.New("its path belongs in "+variable.Container))
	default:
		l.out.Blob = &connstr.BlobConnection{ServiceURL: strings.TrimRight(u.String(), "/"), Entra: true}
	}
}

// eitherOr says that both ways to sign in are given: which one is meant nobody can know.
func (l *loader) eitherOr(withoutKey, withKey string) {
	l.say(withoutKey, "is set beside %s: choose one, Microsoft Entra ID or a key", withKey)
}
