package hubclient

import (
	"errors"
	"strings"
	"testing"

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
			err := explain(errors.New(text), entra)
			assert.Equal(t, denied, eventhub.AccessDeniedBy(err) == eventhub.ServiceHub, text)
			assert.Contains(t, err.Error(), text)
			assert.Equal(t, denied && entra, strings.Contains(err.Error(), `the role "Azure Event Hubs Data Receiver" on the Event Hubs namespace or the hub`))
			assert.Equal(t, denied && !entra, strings.Contains(err.Error(), "EHUBNAMESPACECONNECTIONSTRING"))
			assert.Equal(t, err, explain(err, entra), "once is enough")
		}
	}
}
