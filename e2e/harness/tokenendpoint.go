package harness

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

const (
	// testTenant is the tenant of the workload identity.
	testTenant = "11111111-2222-3333-4444-555555555555"
	// testClientID is the client of the workload identity.
	testClientID = "66666666-7777-8888-9999-000000000000"
	// serviceAccountToken is the token that Kubernetes writes into the pod.
	serviceAccountToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6ZmFsY286YWtzIn0.a3ViZXJuZXRlcw"
)

// TokenEndpoint is the part of Microsoft Entra ID that a workload identity uses. It exchanges a service account's
// token for an access token.
type TokenEndpoint struct {
	*httptest.Server
	Key []byte

	mu   sync.Mutex
	life time.Duration
	// refusal is the error_description of a refusal, or "" if requests are granted.
	refusal string
	// issued is the number of tokens by audience. tokens are the tokens themselves.
	issued map[string]int
	tokens []string
}

// StartTokenEndpoint starts an endpoint whose tokens are valid for an hour.
func StartTokenEndpoint(t *testing.T) *TokenEndpoint {
	t.Helper()
	e := &TokenEndpoint{Key: []byte("the key of Entra ID"), life: time.Hour, issued: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+testTenant+"/v2.0/.well-known/openid-configuration", e.describe)
	mux.HandleFunc("POST /"+testTenant+"/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) { e.give(t, w, r) })
	e.Server = httptest.NewUnstartedServer(mux)
	e.TLS = ServerTLS(t)
	e.StartTLS()
	t.Cleanup(e.Close)
	return e
}

// ServerTLS returns the configuration of a server whose certificate the daemon trusts.
func ServerTLS(t *testing.T) *tls.Config {
	t.Helper()
	certificate, key, err := hubtest.Certificate()
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

// describe answers with the OpenID configuration.
func (e *TokenEndpoint) describe(w http.ResponseWriter, r *http.Request) {
	base := "https://" + r.Host + "/" + testTenant
	_ = json.NewEncoder(w).Encode(map[string]string{
		"issuer":                 base + "/v2.0",
		"authorization_endpoint": base + "/oauth2/v2.0/authorize",
		"token_endpoint":         base + "/oauth2/v2.0/token",
	})
}

// give answers a request for a token. It checks that the request is as in Azure's documentation of workload
// identities.
func (e *TokenEndpoint) give(t *testing.T, w http.ResponseWriter, r *http.Request) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	assert.NoError(t, r.ParseForm())
	assert.Equal(t, "client_credentials", r.PostForm.Get("grant_type"))
	assert.Equal(t, testClientID, r.PostForm.Get("client_id"))
	assert.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", r.PostForm.Get("client_assertion_type"))
	assert.Equal(t, serviceAccountToken, r.PostForm.Get("client_assertion"))
	w.Header().Set("Content-Type", "application/json")
	if e.refusal != "" {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": e.refusal})
		return
	}
	scope, _, _ := strings.Cut(r.PostForm.Get("scope"), " ")
	audience := strings.TrimSuffix(scope, "/.default")
	// The times in a token are whole seconds.
	from := time.Now().Truncate(time.Second)
	token, err := hubtest.SignToken(e.Key, audience, from, from.Add(e.life))
	assert.NoError(t, err)
	e.issued[strings.TrimRight(audience, "/")]++
	e.tokens = append(e.tokens, token)
	_ = json.NewEncoder(w).Encode(map[string]any{"token_type": "Bearer", "expires_in": int(e.life.Seconds()), "access_token": token})
}

// Set changes the lifetime of tokens, and the error_description of a refusal. "" grants requests.
func (e *TokenEndpoint) Set(life time.Duration, refuses string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.life, e.refusal = life, refuses
}

// Issued returns how many tokens were issued for an audience.
func (e *TokenEndpoint) Issued(audience string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.issued[audience]
}

// AssertNoToken checks that a text contains no token, not even that of the service account.
func (e *TokenEndpoint) AssertNoToken(t *testing.T, shown string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, token := range append(e.tokens, serviceAccountToken) {
		for _, part := range strings.Split(token, ".") {
			assert.NotContains(t, shown, part, "a part of a token is shown")
		}
	}
}

// Settings returns settings that make a daemon a workload identity, as the webhook of AKS does with a pod.
func (e *TokenEndpoint) Settings(t *testing.T) Settings {
	t.Helper()
	file := filepath.Join(t.TempDir(), "azure-identity-token")
	require.NoError(t, os.WriteFile(file, []byte(serviceAccountToken), 0o600))
	return Settings{
		"AZURE_AUTHORITY_HOST":       e.URL + "/",
		"AZURE_TENANT_ID":            testTenant,
		"AZURE_CLIENT_ID":            testClientID,
		"AZURE_FEDERATED_TOKEN_FILE": file,
	}
}
