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
)

// entraService is a service that takes tokens of Microsoft Entra ID.
type entraService struct {
	part Part
	// name is what it is called in an error.
	name string
	// scope is what a token is asked for. It is the same in all of Azure's clouds.
	scope string
	// role is what an identity needs, by the name that Azure gives it.
	role string
	// on is what the role has to be assigned on.
	on string
}

var (
	// hubService has the scope that azeventhubs asks for (token_provider.go), with both slashes.
	HubService = entraService{
		part: HubPart, name: "the event hub", scope: "https://eventhubs.azure.net//.default",
		role: "Azure Event Hubs Data Receiver", on: "the Event Hubs namespace or the hub",
	}
	StorageService = entraService{
		part: StoragePart, name: "blob storage", scope: "https://storage.azure.com/.default",
		role: "Storage Blob Data Contributor", on: "the storage account or the container",
	}
)

// needs says what an identity has to have that the service does not take.
func (s entraService) Needs() string {
	return fmt.Sprintf("this identity has to have the role %q on %s, and be of its tenant; a new assignment takes some minutes", s.role, s.on)
}

// newCredential finds out from the environment which identity this is: a service principal's, a
// workload identity, a managed identity, or who is signed in with the az command.
func NewCredential() (azcore.TokenCredential, error) {
	client := &http.Client{Transport: &http.Transport{
		Proxy:               WithoutValue(http.ProxyFromEnvironment),
		TLSHandshakeTimeout: 10 * time.Second,
		// There is one request in an hour.
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

// publicAuthority tells whether Microsoft knows of an authority. Of any other, which is that of a
// private cloud, it could not be asked whether it is to be trusted: whoever set it has to know.
func publicAuthority(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	if err != nil {
		return true // azidentity says what is wrong
	}
	switch strings.ToLower(u.Hostname()) {
	case "login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn":
		return true
	default:
		return false
	}
}

// noToken says in a line why there is no token. azidentity's own errors are a page long.
func noToken(service entraService, err error) error {
	return &RefusedError{By: service.part, Text: "no token of Microsoft Entra ID for " + service.name + ": " + tokenError(err)}
}

func tokenError(err error) string {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		if said := saidByEntra(failed.RawResponse); said != "" {
			return said
		}
	}
	return oneLine(err.Error())
}

// saidByEntra returns the status and the first sentence of an error of Microsoft Entra ID, of the form
//
//	{"error": "unauthorized_client", "error_description": "AADSTS700016: Application … was not found …. Trace ID: …"}
func saidByEntra(answer *http.Response) string {
	body, err := runtime.Payload(answer)
	if err != nil {
		return ""
	}
	var said struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &said) != nil || said.Description == "" {
		return ""
	}
	text, _, _ := strings.Cut(said.Description, "Trace ID:")
	return fmt.Sprintf("it answered %d %s", answer.StatusCode, oneLine(text))
}

// longestError is how much of an error of azidentity is shown, in characters.
const longestError = 1000

// webTokens are the tokens of Microsoft Entra ID: three texts in base64, of which the first begins
// with {".
var WebTokens = regexp.MustCompile(`\beyJ[\w-]+\.[\w-]*\.[\w-]*`)

// oneLine writes an error of azidentity on a line of its own, without a token: what another service
// answers is shown with it.
func oneLine(text string) string {
	words := slices.DeleteFunc(strings.Fields(text), func(word string) bool { return strings.Trim(word, "-") == "" }) // ruled lines
	runes := []rune(WebTokens.ReplaceAllString(strings.Join(words, " "), "(redacted)"))
	if len(runes) > longestError {
		return string(runes[:longestError]) + "…"
	}
	return string(runes)
}
