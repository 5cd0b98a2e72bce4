package hubclient

import (
	"fmt"
	"strings"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
)

// keyHint tells the operator what to check if the hub refuses a key or signature.
const keyHint = "the hub does not accept the key or signature in EHUBNAMESPACECONNECTIONSTRING: " +
	"give the key of a policy of this namespace or hub that may listen; if the namespace forbids keys, " +
	"set EVENTHUBNAMESPACE instead"

// explain turns an SDK's error about denied access into an AccessDeniedError, which tells the operator what to check.
// It searches the text of the error: the old SDK has no codes, and the new one has codes only for links, not for
// management requests. signatureEnds is when the shared access signature expires, or zero.
func explain(err error, entra bool, signatureEnds time.Time) error {
	if eventhub.AccessDeniedBy(err) != "" {
		return err
	}
	text := err.Error()
	rejected := strings.Contains(text, "status code 401")
	unauthorized := strings.Contains(text, "unauthorized-access")
	// If only the token of a link has expired, the link is opened again with a new token.
	expired := unauthorized && !rejected && strings.Contains(text, "ExpiredToken")
	if !rejected && !unauthorized || expired {
		return err
	}
	hint := keyHint
	switch {
	case entra:
		hint = "the hub does not accept this identity: " + azauth.HubResource.RoleHint()
	case !signatureEnds.IsZero() && time.Now().After(signatureEnds):
		hint = fmt.Sprintf("the hub does not accept the signature in EHUBNAMESPACECONNECTIONSTRING, because it expired at %s (its se=): "+
			"make a new one, or give the key of a policy that may listen, which does not expire", signatureEnds.Format(time.RFC3339))
	}
	return &eventhub.AccessDeniedError{Service: eventhub.ServiceHub, Message: hint + ": " + text}
}
