package eventhub

import (
	"errors"
	"strings"
)

// part is what can refuse this process.
type part string

const (
	hubPart     part = "hub"
	storagePart part = "storage"
)

// refusedError is an error that only an operator can mend: a part does not accept the key or the identity
// that it was given, or there is no token to give it.
type refusedError struct {
	by   part
	text string
}

// Error says what was refused and what is wanted.
func (r *refusedError) Error() string { return r.text }

// NonRetriable tells azeventhubs not to connect anew, which would cut the links of all partitions
// (internal/errors.go, GetRecoveryKind).
func (*refusedError) NonRetriable() {}

// refusedBy returns the part that refused, "" where the error is no refusal.
func refusedBy(err error) part {
	var refused *refusedError
	if errors.As(err, &refused) {
		return refused.by
	}
	return ""
}

// keyNeeds says what an operator has to look at where the hub does not take a key.
const keyNeeds = "the hub does not accept the key or signature in EHUBNAMESPACECONNECTIONSTRING: " +
	"it has to be that of a policy of this namespace or hub that may listen, and the namespace has to take keys at all " +
	"(else set EVENTHUBNAMESPACE)"

// explain puts before an error of an SDK that means a refusal what an operator has to look at. It goes
// by the text: the old SDK has no codes, the new one has them for links only, not for questions.
func explain(err error, entra bool) error {
	if refusedBy(err) != "" {
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
		needs = "the hub does not accept this identity: " + hubService.needs()
	}
	return &refusedError{by: hubPart, text: needs + ": " + text}
}
