package azauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"aks-audit-log-go/eventhub"
)

// NewCredential returns the identity that the environment describes: a service principal, a workload identity, a
// managed identity, or the user who is signed in with the az command.
func NewCredential() (azcore.TokenCredential, error) {
	client := &http.Client{Transport: &http.Transport{
		Proxy:               HideProxyValue(http.ProxyFromEnvironment),
		TLSHandshakeTimeout: 10 * time.Second,
		// There is about one request an hour.
		DisableKeepAlives: true,
	}}
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions:            policy.ClientOptions{Transport: client},
		DisableInstanceDiscovery: !publicAuthority(os.Getenv("AZURE_AUTHORITY_HOST")),
	})
	if err != nil {
		return nil, fmt.Errorf("set up Microsoft Entra ID: %s", oneLine(err.Error()))
	}
	return credential, nil
}

// publicAuthority tells whether Microsoft knows the authority. Any other authority belongs to a private cloud.
// Microsoft cannot confirm that one, so the operator who set it has to trust it.
func publicAuthority(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	if err != nil {
		return true // azidentity reports what is wrong
	}
	switch strings.ToLower(u.Hostname()) {
	case "login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn":
		return true
	default:
		return false
	}
}

// tokenDenied returns an error that says in one line why there is no token for the resource. azidentity's own errors
// are a page long.
func tokenDenied(resource Resource, err error) error {
	return &eventhub.AccessDeniedError{
		Service: resource.service,
		Message: "no token of Microsoft Entra ID for " + resource.name + ": " + describeTokenError(err),
	}
}

// describeTokenError returns what Microsoft Entra ID answered, or the text of err if it sent no usable answer.
func describeTokenError(err error) string {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		if description := describeResponse(failed.RawResponse); description != "" {
			return description
		}
	}
	return oneLine(err.Error())
}

// describeResponse returns the status and the first sentence of an error of Microsoft Entra ID, of the form
//
//	{"error": "unauthorized_client", "error_description": "AADSTS700016: Application … was not found …. Trace ID: …"}
func describeResponse(response *http.Response) string {
	content, err := runtime.Payload(response)
	if err != nil {
		return ""
	}
	var body struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal(content, &body) != nil || body.Description == "" {
		return ""
	}
	text, _, _ := strings.Cut(body.Description, "Trace ID:")
	return fmt.Sprintf("it answered %d %s", response.StatusCode, oneLine(text))
}

// maxErrorLength is how many characters of an azidentity error are shown.
const maxErrorLength = 1000

// jwt matches a token of Microsoft Entra ID: three parts in base64, the first of which begins with {".
var jwt = regexp.MustCompile(`\beyJ[\w-]+\.[\w-]*\.[\w-]*`)

// RedactTokens replaces the tokens in text by (redacted).
func RedactTokens(text string) string { return jwt.ReplaceAllString(text, "(redacted)") }

// oneLine returns the text of an azidentity error in one line, without ruled lines. It removes tokens, because such
// an error quotes the answers of other services.
func oneLine(text string) string {
	words := slices.DeleteFunc(strings.Fields(text), func(word string) bool { return strings.Trim(word, "-") == "" })
	runes := []rune(RedactTokens(strings.Join(words, " ")))
	if len(runes) > maxErrorLength {
		return string(runes[:maxErrorLength]) + "…"
	}
	return string(runes)
}
