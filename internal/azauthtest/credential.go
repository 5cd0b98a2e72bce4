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

// credentialFunc is an identity.
type CredentialFunc func(ctx context.Context) (azcore.AccessToken, error)

func (f CredentialFunc) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if scope := options.Scopes[0]; scope != "https://eventhubs.azure.net//.default" && scope != "https://storage.azure.com/.default" {
		return azcore.AccessToken{}, errors.New("no such service")
	}
	return f(ctx)
}

// numbered gives tokens called 1, 2, and so on, that live for a while, unless it has to fail.
type Numbered struct {
	Life   time.Duration
	Asked  atomic.Int32
	Broken atomic.Bool
}

func (n *Numbered) Get(context.Context) (azcore.AccessToken, error) {
	number := n.Asked.Add(1)
	if n.Broken.Load() {
		return azcore.AccessToken{}, errors.New("out of order")
	}
	return azcore.AccessToken{Token: strconv.Itoa(int(number)), ExpiresOn: time.Now().Add(n.Life)}, nil
}
