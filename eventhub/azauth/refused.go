package azauth

import (
	"errors"
	"strings"
)

// part is what can refuse this process.
type Part string

const (
	HubPart     Part = "hub"
	StoragePart Part = "storage"
)

// refusedError is an error that only an operator can mend: a part does not accept the key or the identity
// that it was given, or there is no token to give it.
type RefusedError struct {
	By   Part
	Text string
}

// Error says what was refused and what is wanted.
func (r *RefusedError) Error() string { return r.Text }

// NonRetriable tells azeventhubs not to connect anew, which would cut the links of all partitions
// (internal/errors.go, GetRecoveryKind).
func (*RefusedError) NonRetriable() {}

// refusedBy returns the part that refused, "" where the error is no refusal.
func RefusedBy(err error) Part {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.By
	}
	return ""
}

// keyNeeds says what an operator has to look at where the hub does not take a key.
const keyNeeds = "the hub does not accept the key or signature in EHUBNAMESPACECONNECTIONSTRING: " +
	"it has to be that of a policy of this namespace or hub that may listen, and the namespace has to take keys at all " +
	"(else set EVENTHUBNAMESPACE)"

// explain puts before an error of an SDK that means a refusal what an operator has to look at. It goes
// by the text: the old SDK has no codes, the new one has them for links only, not for questions.
func Explain(err error, entra bool) error {
	if RefusedBy(err) != "" {
		return err
	}
	text := err.Error()
	rejected := strings.Contains(text, "status code 401")
	unauthorized := strings.Contains(text, "unauthorized-access")
	// A link whose token ran out is opened again with a new one.
	ranOut := unauthorized && !rejected && strings.Contains(text, "ExpiredToken")
	if !rejected && !unauthorized || ranOut {
		return err
	}
	needs := keyNeeds
	if entra {
		needs = "the hub does not accept this identity: " + HubService.Needs()
	}
	return &RefusedError{By: HubPart, Text: needs + ": " + text}
}
