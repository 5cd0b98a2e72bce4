package azauthtest

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// CredentialFunc is a credential that gets its tokens from a function.
type CredentialFunc func(ctx context.Context) (azcore.AccessToken, error)

// GetToken implements azcore.TokenCredential. It returns an error for a scope of another service.
func (f CredentialFunc) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if scope := options.Scopes[0]; scope != "https://eventhubs.azure.net//.default" && scope != "https://storage.azure.com/.default" {
		return azcore.AccessToken{}, errors.New("no such service")
	}
	return f(ctx)
}

// Numbered issues the tokens "1", "2", and so on.
type Numbered struct {
	// Life is how long each token is valid.
	Life time.Duration
	// Requests is the number of requests, including failed ones.
	Requests atomic.Int32
	// Broken makes requests fail.
	Broken atomic.Bool
}

// Get returns the next token. It can be used as a CredentialFunc.
func (n *Numbered) Get(context.Context) (azcore.AccessToken, error) {
	number := n.Requests.Add(1)
	if n.Broken.Load() {
		return azcore.AccessToken{}, errors.New("out of order")
	}
	return azcore.AccessToken{Token: strconv.Itoa(int(number)), ExpiresOn: time.Now().Add(n.Life)}, nil
}
