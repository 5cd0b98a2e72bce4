package azauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

var ErrClosed = errors.New("the event hub client is closed")

const (
	// tokenTimeout bounds a request for a token. azeventhubs gives it no end (token_provider.go).
	tokenTimeout = 30 * time.Second
	// tokenMargin is how long before its end a token is renewed, or half of its life where that is
	// less. azeventhubs puts a new one on its links from then on, every two minutes (namespace.go,
	// nextClaimRefreshDuration); a token lives for an hour at least.
	tokenMargin = 10 * time.Minute
	// tokenSlack is the end of a token's life, or the last quarter of it where that is less, in which
	// it is not given out any more: it has to hold when the service looks at it, by its own clock.
	tokenSlack = time.Minute
	// tokenPause is between two tries to renew a token that still holds. azidentity gives the same
	// token again until five minutes before its end.
	tokenPause = 30 * time.Second
	// tokenPatience is how long somebody waits for a new token while the old one still holds.
	tokenWait = 3 * time.Second
)

// tokens keeps the token of Microsoft Entra ID for one service, and renews it before it runs out. As
// long as the old one holds, a renewal that fails is nobody's trouble: it is tried again. It is an
// azcore.TokenCredential and safe for concurrent use.
type Tokens struct {
	service    entraService
	credential azcore.TokenCredential

	// life ends with close, which waits for the request under way. It is no caller's context, since a request is for
	// everybody.
	life context.Context
	end  context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex
	token azcore.AccessToken
	// From renewAt on a new token is asked for, from staleAt on this one is not given out.
	renewAt, staleAt time.Time
	tried            time.Time
	request          *tokenRequest // the one under way, or nil
}

// tokenRequest is a request for a token that is under way, for everybody who waits for it.
type tokenRequest struct {
	done chan struct{}
	// What follows is set when done is closed.
	token azcore.AccessToken
	err   error
}

var _ azcore.TokenCredential = (*Tokens)(nil)

func NewTokens(service entraService, credential azcore.TokenCredential) *Tokens {
	t := &Tokens{service: service, credential: credential}
	t.life, t.end = context.WithCancel(context.Background())
	return t
}

// GetToken returns a token that holds. It asks for one where there is none or where it is time to,
// whatever the options say: there is one scope for each service.
func (t *Tokens) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	held, request := t.cached()
	if request == nil {
		return held, nil
	}
	if held.Token == "" {
		return t.await(ctx, request, tokenTimeout)
	}
	if renewed, err := t.await(ctx, request, tokenWait); err == nil {
		return renewed, nil
	}
	return held, nil
}

// held returns the token that holds, if there is one, and the request for a new one where that is
// wanted. Both are of one moment, so that nobody asks anew for what has just come.
func (t *Tokens) cached() (azcore.AccessToken, *tokenRequest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if !now.Before(t.staleAt) {
		return azcore.AccessToken{}, t.startRequest()
	}
	if now.Before(t.renewAt) || now.Sub(t.tried) < tokenPause {
		return t.token, nil
	}
	t.tried = now
	return t.token, t.startRequest()
}

// await waits for the request. That goes on when it is no longer waited for, so that the next who
// asks has its answer.
func (t *Tokens) await(ctx context.Context, request *tokenRequest, patience time.Duration) (azcore.AccessToken, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-request.done:
		return request.token, request.err
	case <-ctx.Done():
		return azcore.AccessToken{}, ctx.Err()
	case <-late.C:
		return azcore.AccessToken{}, noToken(t.service, context.DeadlineExceeded)
	}
}

// asked returns the request under way, or a new one. The lock is held.
func (t *Tokens) startRequest() *tokenRequest {
	if t.request != nil {
		return t.request
	}
	request := &tokenRequest{done: make(chan struct{})}
	if t.life.Err() != nil {
		request.err = ErrClosed
		close(request.done)
		return request
	}
	t.request = request
	t.wg.Go(func() { t.fetch(request) })
	return request
}

func (t *Tokens) fetch(request *tokenRequest) {
	ctx, cancel := context.WithTimeout(t.life, tokenTimeout)
	defer cancel()
	token, err := t.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{t.service.scope}})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.request = nil
	if err != nil {
		request.err = noToken(t.service, err)
	} else {
		request.token = token
		t.store(token)
	}
	close(request.done)
}

// keep remembers a token and when to renew it.
func (t *Tokens) store(token azcore.AccessToken) {
	if token.Token == t.token.Token {
		return // its life did not begin anew
	}
	t.token = token
	t.tried = time.Time{}
	life := time.Until(token.ExpiresOn)
	t.renewAt = token.ExpiresOn.Add(-min(tokenMargin, life/2))
	t.staleAt = token.ExpiresOn.Add(-min(tokenSlack, life/4))
	if !token.RefreshOn.IsZero() && token.RefreshOn.Before(t.renewAt) {
		t.renewAt = token.RefreshOn // a token that lives for a day
	}
}

// close waits for the request under way, which it cuts off. A nil one has nothing to do.
func (t *Tokens) Close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.end()
	t.mu.Unlock()
	t.wg.Wait()
}
