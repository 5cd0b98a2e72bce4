package azauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// errClosed says that a token was requested after Close.
var errClosed = errors.New("the token source is closed")

const (
	// tokenTimeout bounds a request for a token. azeventhubs does not bound it (token_provider.go).
	tokenTimeout = 30 * time.Second
	// renewalMargin is how long before its expiry a token is renewed, or half of its life if that is less. From then
	// on, azeventhubs puts a new token on its links every two minutes (namespace.go, nextClaimRefreshDuration). A
	// token lives for at least an hour.
	renewalMargin = 10 * time.Minute
	// expiryMargin is how long before its expiry a token is no longer used, or a quarter of its life if that is less.
	// The token must still be valid when the service checks it, by the service's clock.
	expiryMargin = time.Minute
	// renewalPause is the time between two attempts to renew a token that is still valid. azidentity returns the same
	// token until five minutes before its expiry.
	renewalPause = 30 * time.Second
	// renewalWait bounds how long a caller waits for a new token while the current one is valid.
	renewalWait = 3 * time.Second
)

// TokenSource caches the token of Microsoft Entra ID for one resource, and renews it before it expires. A failed
// renewal is retried and not reported while the current token is valid. A TokenSource is safe for concurrent use.
type TokenSource struct {
	resource   Resource
	credential azcore.TokenCredential

	// ctx ends with Close. It belongs to no caller, because all callers share a request.
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	current azcore.AccessToken
	// A new token is requested from renewAt on. The current token is not used from staleAt on.
	renewAt, staleAt time.Time
	// renewalTried is when a renewal of the current token was last tried, or zero.
	renewalTried time.Time
	// pending is the request in flight, or nil.
	pending *tokenRequest
}

// tokenRequest is a request for a token that is in flight. All callers share it.
type tokenRequest struct {
	done chan struct{}
	// token and err are set before done is closed.
	token azcore.AccessToken
	err   error
}

var _ azcore.TokenCredential = (*TokenSource)(nil)

// NewTokenSource returns the source of an identity's tokens for a resource. It requests nothing yet.
func NewTokenSource(resource Resource, credential azcore.TokenCredential) *TokenSource {
	s := &TokenSource{resource: resource, credential: credential}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// GetToken returns a valid token. It requests one if there is none or if the current one is to be renewed. It ignores
// the options, because there is one scope for each resource.
func (s *TokenSource) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	valid, request := s.cached()
	if request == nil {
		return valid, nil
	}
	if valid.Token == "" {
		return s.await(ctx, request, tokenTimeout)
	}
	if renewed, err := s.await(ctx, request, renewalWait); err == nil {
		return renewed, nil
	}
	return valid, nil
}

// cached returns the current token if it is valid, and the request for a new token if one is needed. It reads both
// under one lock, so that no caller requests a token that has just arrived.
func (s *TokenSource) cached() (azcore.AccessToken, *tokenRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !now.Before(s.staleAt) {
		return azcore.AccessToken{}, s.startRequest()
	}
	if now.Before(s.renewAt) || now.Sub(s.renewalTried) < renewalPause {
		return s.current, nil
	}
	s.renewalTried = now
	return s.current, s.startRequest()
}

// await waits for the request until timeout. The request continues after that, so that the next caller gets its
// result.
func (s *TokenSource) await(ctx context.Context, request *tokenRequest, timeout time.Duration) (azcore.AccessToken, error) {
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case <-request.done:
		return request.token, request.err
	case <-ctx.Done():
		return azcore.AccessToken{}, ctx.Err()
	case <-late.C:
		return azcore.AccessToken{}, tokenDenied(s.resource, context.DeadlineExceeded)
	}
}

// startRequest returns the request in flight, or starts one. The caller holds the lock.
func (s *TokenSource) startRequest() *tokenRequest {
	if s.pending != nil {
		return s.pending
	}
	request := &tokenRequest{done: make(chan struct{})}
	if s.ctx.Err() != nil {
		request.err = errClosed
		close(request.done)
		return request
	}
	s.pending = request
	s.wg.Go(func() { s.fetch(request) })
	return request
}

// fetch requests a token from the credential and completes the request.
func (s *TokenSource) fetch(request *tokenRequest) {
	ctx, cancel := context.WithTimeout(s.ctx, tokenTimeout)
	defer cancel()
	token, err := s.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{s.resource.scope}})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = nil
	if err != nil {
		request.err = tokenDenied(s.resource, err)
	} else {
		request.token = token
		s.store(token)
	}
	close(request.done)
}

// store makes token the current one and notes when to renew it. The caller holds the lock.
func (s *TokenSource) store(token azcore.AccessToken) {
	if token.Token == s.current.Token {
		return // azidentity's cache returned the same token, so its lifetime is unchanged
	}
	s.current = token
	s.renewalTried = time.Time{}
	life := time.Until(token.ExpiresOn)
	s.renewAt = token.ExpiresOn.Add(-min(renewalMargin, life/2))
	s.staleAt = token.ExpiresOn.Add(-min(expiryMargin, life/4))
	if !token.RefreshOn.IsZero() && token.RefreshOn.Before(s.renewAt) {
		s.renewAt = token.RefreshOn // Entra ID sets it for a token that lives for a day
	}
}

// Close cancels the request in flight, and waits until it has ended. On a nil TokenSource it does nothing.
func (s *TokenSource) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.wg.Wait()
}
