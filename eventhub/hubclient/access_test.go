package hubclient

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
)

func TestADeniedAccessIsToldFromOtherErrors(t *testing.T) {
	for text, denied := range map[string]bool{
		"rpc: failed, status code 401 and description: InvalidIssuer: Token issuer is invalid.":                       true,
		"(unauthorized): amqp:unauthorized-access, Unauthorized access. 'Listen' claim(s) are required":               true,
		"status code 401 and description: ExpiredToken: The token is expired.":                                        true,
		"link detached, *Error{Condition: amqp:unauthorized-access, Description: ExpiredToken: The token is expired.": false,
		"status code 404": false,
		"EOF":             false,
	} {
		for _, entra := range []bool{true, false} {
			err := explain(errors.New(text), entra, time.Time{})
			assert.Equal(t, denied, eventhub.AccessDeniedBy(err) == eventhub.ServiceHub, text)
			assert.Contains(t, err.Error(), text)
			assert.Equal(t, denied && entra, strings.Contains(err.Error(), `the role "Azure Event Hubs Data Receiver" on the Event Hubs namespace or the hub`))
			assert.Equal(t, denied && !entra, strings.Contains(err.Error(), "EHUBNAMESPACECONNECTIONSTRING"))
			assert.Equal(t, err, explain(err, entra, time.Time{}), "once is enough")
		}
	}
}

func TestAnExpiredSignatureIsToldFromAWrongKey(t *testing.T) {
	refusal := errors.New("rpc: failed, status code 401 and description: InvalidToken: token not granted: expired")
	expired := explain(refusal, false, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
	assert.Contains(t, expired.Error(), "because it expired at 2020-01-02T03:04:05Z (its se=): make a new one")
	assert.Equal(t, eventhub.ServiceHub, eventhub.AccessDeniedBy(expired))
	assert.Contains(t, explain(refusal, false, time.Now().Add(time.Hour)).Error(), keyHint)
}
