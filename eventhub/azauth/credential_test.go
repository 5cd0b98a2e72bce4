package azauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
)

// failedAuthentication returns azidentity's error for a response of Microsoft Entra ID.
func failedAuthentication(status int, body string) error {
	return fmt.Errorf("chain: %w", &azidentity.AuthenticationFailedError{
		RawResponse: &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}},
	})
}

func TestTheErrorForAMissingTokenIsOneLineWithoutTokens(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
	tests := map[string]struct {
		err  error
		want string
	}{
		"what Entra ID said": {
			failedAuthentication(401, `{"error":"invalid_client","error_description":"AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:falco:x'.\r\nTrace ID: 1 Correlation ID: 2"}`),
			"it answered 401 AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:falco:x'.",
		},
		"a token in what it said":        {failedAuthentication(400, `{"error_description":"wrong `+token+` there"}`), "it answered 400 wrong (redacted) there"},
		"an error of more lines":         {errors.New("DefaultAzureCredential: failed.\nAttempted credentials:\n\tEnvironmentCredential: none"), "DefaultAzureCredential: failed. Attempted credentials: EnvironmentCredential: none"},
		"an error with ruled lines":      {errors.New("GET http://a/b\n--------\nRESPONSE 403: Forbidden\n--------\nno"), "GET http://a/b RESPONSE 403: Forbidden no"},
		"a token in another error":       {errors.New("what is " + token + "?"), "what is (redacted)?"},
		"a token without a signature":    {errors.New("eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0."), "(redacted)"},
		"an error that goes on for ever": {errors.New(strings.Repeat("x", 2000)), strings.Repeat("x", 1000) + "…"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := tokenDenied(HubResource, test.err)
			require.EqualError(t, err, "no token of Microsoft Entra ID for the event hub: "+test.want)
			assert.Equal(t, eventhub.ServiceHub, eventhub.AccessDeniedBy(fmt.Errorf("wrapped: %w", err)))
		})
	}
	assert.Contains(t, tokenDenied(HubResource, failedAuthentication(502, "no JSON")).Error(), "no JSON", "azidentity's own words")
}

func TestOnlyAnUnknownAuthorityIsTrustedWithoutDiscovery(t *testing.T) {
	for address, public := range map[string]bool{
		"": true, "https://login.microsoftonline.com/": true, "https://LOGIN.microsoftonline.us": true, "https://login.chinacloudapi.cn/": true,
		"https://login.stack.example/": false, "https://login.microsoftonline.com.example/": false, "https://127.0.0.1:1/": false,
	} {
		assert.Equal(t, public, publicAuthority(address), address)
	}
}

func TestAnUnknownKindOfIdentityIsAnErrorAtTheStart(t *testing.T) {
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "nonsense")
	_, err := NewCredential()
	require.ErrorContains(t, err, "AZURE_TOKEN_CREDENTIALS")
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential")
	_, err = NewCredential()
	require.NoError(t, err)
}
