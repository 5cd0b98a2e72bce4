package e2e

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
	testTenant   = "11111111-2222-3333-4444-555555555555"
	testClientID = "66666666-7777-8888-9999-000000000000"
	// serviceAccountToken is what Kubernetes would write into the pod.
	serviceAccountToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6ZmFsY286YWtzIn0.a3ViZXJuZXRlcw"
)

// tokenEndpoint is Microsoft Entra ID as far as a workload identity sees it: it gives a token for the
// service account's own.
type tokenEndpoint struct {
	*httptest.Server
	key []byte

	mu   sync.Mutex
	life time.Duration
	// refuses is an error_description, or empty.
	refuses string
	// issued counts the tokens by what they are for, and has the tokens.
	issued map[string]int
	tokens []string
}

func startTokenEndpoint(t *testing.T) *tokenEndpoint {
	t.Helper()
	e := &tokenEndpoint{key: []byte("the key of Entra ID"), life: time.Hour, issued: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+testTenant+"/v2.0/.well-known/openid-configuration", e.describe)
	mux.HandleFunc("POST /"+testTenant+"/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) { e.give(t, w, r) })
	e.Server = httptest.NewUnstartedServer(mux)
	e.TLS = serverTLS(t)
	e.StartTLS()
	t.Cleanup(e.Close)
	return e
}

// serverTLS is that of a server whose certificate the daemon trusts.
func serverTLS(t *testing.T) *tls.Config {
	t.Helper()
	certificate, key, err := hubtest.Certificate()
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func (e *tokenEndpoint) describe(w http.ResponseWriter, r *http.Request) {
	base := "https://" + r.Host + "/" + testTenant
	_ = json.NewEncoder(w).Encode(map[string]string{
		"issuer":                 base + "/v2.0",
		"authorization_endpoint": base + "/oauth2/v2.0/authorize",
		"token_endpoint":         base + "/oauth2/v2.0/token",
	})
}

// give answers a request for a token, which has to be as Azure's documentation of workload
// identities has it.
func (e *tokenEndpoint) give(t *testing.T, w http.ResponseWriter, r *http.Request) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	assert.NoError(t, r.ParseForm())
	assert.Equal(t, "client_credentials", r.PostForm.Get("grant_type"))
	assert.Equal(t, testClientID, r.PostForm.Get("client_id"))
	assert.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", r.PostForm.Get("client_assertion_type"))
	assert.Equal(t, serviceAccountToken, r.PostForm.Get("client_assertion"))
	w.Header().Set("Content-Type", "application/json")
	if e.refuses != "" {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": e.refuses})
		return
	}
	scope, _, _ := strings.Cut(r.PostForm.Get("scope"), " ")
	audience := strings.TrimSuffix(scope, "/.default")
	// The times in a token are whole seconds.
	from := time.Now().Truncate(time.Second)
	token, err := hubtest.SignToken(e.key, audience, from, from.Add(e.life))
	assert.NoError(t, err)
	e.issued[strings.TrimRight(audience, "/")]++
	e.tokens = append(e.tokens, token)
	_ = json.NewEncoder(w).Encode(map[string]any{"token_type": "Bearer", "expires_in": int(e.life.Seconds()), "access_token": token})
}

// set changes how long tokens live and why they are refused.
func (e *tokenEndpoint) set(life time.Duration, refuses string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.life, e.refuses = life, refuses
}

// given is how many tokens were given for an audience.
func (e *tokenEndpoint) given(audience string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.issued[audience]
}

// assertNoToken looks for tokens in what a daemon shows, those of the service account included.
func (e *tokenEndpoint) assertNoToken(t *testing.T, shown string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, token := range append(e.tokens, serviceAccountToken) {
		for _, part := range strings.Split(token, ".") {
			assert.NotContains(t, shown, part, "a part of a token is shown")
		}
	}
}

// settings make a daemon a workload identity, as the webhook of AKS does with a pod.
func (e *tokenEndpoint) settings(t *testing.T) settings {
	t.Helper()
	file := filepath.Join(t.TempDir(), "azure-identity-token")
	require.NoError(t, os.WriteFile(file, []byte(serviceAccountToken), 0o600))
	return settings{
		"AZURE_AUTHORITY_HOST":       e.URL + "/",
		"AZURE_TENANT_ID":            testTenant,
		"AZURE_CLIENT_ID":            testClientID,
		"AZURE_FEDERATED_TOKEN_FILE": file,
	}
}
