package webhook

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// redactor knows the secrets that are sent to the sink, and makes failures without them.
type redactor struct {
	// sink is the URL without user, password, query and fragment.
	sink string
	// secrets holds the parts of the URL that may be secret, and a token, in all their spellings.
	secrets []string
}

// minSecret is the shortest value in the query that may be a secret. Without it, "?v=1" would hide every text with a
// 1.
const minSecret = 4

// newRedactor returns a redactor for the URL's query and its password, or its user if there is no password. People put
// tokens in all of these places.
func newRedactor(sink *url.URL) redactor {
	r := redactor{sink: withoutSecrets(sink)}
	if sink.User != nil {
		user := sink.User.Username()
		password, ok := sink.User.Password()
		if ok {
			r.add(password)
		} else {
			r.add(user)
		}
		r.add(base64.StdEncoding.EncodeToString([]byte(user + ":" + password)))
	}
	r.add(sink.RawQuery)
	for _, values := range sink.Query() {
		for _, value := range values {
			if len(value) >= minSecret {
				r.add(value)
			}
		}
	}
	return r
}

// add adds a secret, plain and as a URL spells it.
func (r *redactor) add(secret string) {
	if secret != "" {
		r.secrets = append(r.secrets, secret, url.QueryEscape(secret), url.PathEscape(secret))
	}
}

// and returns a redactor that knows one more secret, the token of a POST.
func (r redactor) and(secret string) redactor {
	r.secrets = slices.Clip(r.secrets)
	r.add(secret)
	return r
}

// clean returns the text, or a note in its place if it holds a secret. Some servers repeat the path and query in the
// body of a 404.
func (r redactor) clean(text string) string {
	for _, secret := range r.secrets {
		if strings.Contains(text, secret) {
			return "(left out: it repeats a secret that the sink is sent)"
		}
	}
	return text
}

// withoutSecrets returns the URL without user, password, query and fragment. The path stays, to tell which endpoint is
// meant.
func withoutSecrets(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return shown.String()
}

// echoLength is how many bytes in a row an answer and the posted body must share to count as a repetition. A smaller
// number would match words like "Unauthorized".
const echoLength = 16

// echoes reports whether the answer repeats part of what was posted.
func echoes(answer, posted []byte) bool {
	windows := make(map[[echoLength]byte]struct{}, len(answer))
	for i := 0; i+echoLength <= len(answer); i++ {
		windows[[echoLength]byte(answer[i:])] = struct{}{}
	}
	if len(windows) == 0 {
		return false
	}
	for i := 0; i+echoLength <= len(posted); i++ {
		if _, ok := windows[[echoLength]byte(posted[i:])]; ok {
			return true
		}
	}
	return false
}
