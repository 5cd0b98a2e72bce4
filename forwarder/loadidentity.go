package forwarder

import (
	"errors"
	"net/url"
	"strings"
)

// hubNamespace takes the host of EVENTHUBNAMESPACE, where no key is wanted.
func (l *loader) hubNamespace() {
	if l.isSet(varHubConnection) {
		l.eitherOr(varHubNamespace, varHubConnection)
		return
	}
	// What the host of a URL may be, a namespace may be too.
	u, err := url.Parse("sb://" + l.in.HubNamespace)
	if err != nil || u.Host != l.in.HubNamespace || !validPort(u) || !strings.Contains(u.Hostname(), ".") {
		l.wrong(varHubNamespace)
		return
	}
	l.out.HubConnection = HubConnection{Host: u.Host, Entra: true}
}

// blobURL takes the address of BLOBSTORAGEURL, where no key is wanted.
func (l *loader) blobURL() {
	if l.isSet(varBlobConnection) {
		l.eitherOr(varBlobURL, varBlobConnection)
		return
	}
	u, err := url.Parse(l.in.BlobURL)
	switch {
	// A token must not go over the net in the clear.
	case err != nil || !httpURL(u) || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		l.wrong(varBlobURL)
	case strings.Contains(u.Hostname(), ".blob.") && strings.Trim(u.Path, "/") != "":
		l.wrongBecause(varBlobURL, errors.New("its path belongs in "+varContainer))
	default:
		l.out.Blob = &BlobConnection{ServiceURL: strings.TrimRight(u.String(), "/"), Entra: true}
	}
}

// eitherOr says that both ways to sign in are given: which one is meant nobody can know.
func (l *loader) eitherOr(withoutKey, withKey string) {
	l.say(withoutKey, "is set beside %s: choose one, Microsoft Entra ID or a key", withKey)
}

// signIn says how a service is signed in to, in the words of the start log.
func signIn(entra bool, sas Secret) string {
	switch {
	case entra:
		return "Microsoft Entra ID"
	case sas != "":
		return "shared access signature"
	default:
		return "key"
	}
}
