package azauth

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/azauthtest"
)

// bubble runs a test in a time of its own, with tokens of an identity.
func bubble(t *testing.T, identity azauthtest.CredentialFunc, test func(t *testing.T, tokens *Tokens)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tokens := NewTokens(StorageService, identity)
		defer tokens.Close()
		test(t, tokens)
	})
}

func tokenOf(t *testing.T, tokens *Tokens) string {
	t.Helper()
	token, err := tokens.GetToken(t.Context(), policy.TokenRequestOptions{})
	require.NoError(t, err)
	return token.Token
}

func TestATokenIsAskedForOnceAndKept(t *testing.T) {
	identity := &azauthtest.Numbered{Life: time.Hour}
	bubble(t, identity.Get, func(t *testing.T, tokens *Tokens) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { assert.Equal(t, "1", tokenOf(t, tokens)) })
		}
		wg.Wait()
		time.Sleep(49 * time.Minute)
		assert.Equal(t, "1", tokenOf(t, tokens))
		assert.Equal(t, int32(1), identity.Asked.Load())
	})
}

func TestATokenIsRenewedBeforeItRunsOut(t *testing.T) {
	for life, after := range map[time.Duration]time.Duration{time.Hour: 50 * time.Minute, 4 * time.Minute: 2 * time.Minute} {
		bubble(t, (&azauthtest.Numbered{Life: life}).Get, func(t *testing.T, tokens *Tokens) {
			require.Equal(t, "1", tokenOf(t, tokens))
			time.Sleep(after - time.Second)
			assert.Equal(t, "1", tokenOf(t, tokens))
			time.Sleep(time.Second)
			assert.Equal(t, "2", tokenOf(t, tokens))
			assert.Equal(t, "2", tokenOf(t, tokens))
		})
	}
}

func TestATokenThatLivesForADayIsRenewedWhenEntraIDSaysSo(t *testing.T) {
	number := 0
	identity := azauthtest.CredentialFunc(func(context.Context) (azcore.AccessToken, error) {
		number++
		now := time.Now()
		return azcore.AccessToken{Token: strconv.Itoa(number), ExpiresOn: now.Add(24 * time.Hour), RefreshOn: now.Add(12 * time.Hour)}, nil
	})
	bubble(t, identity, func(t *testing.T, tokens *Tokens) {
		require.Equal(t, "1", tokenOf(t, tokens))
		time.Sleep(12*time.Hour - time.Second)
		assert.Equal(t, "1", tokenOf(t, tokens))
		time.Sleep(time.Second)
		assert.Equal(t, "2", tokenOf(t, tokens))
	})
}

func TestTheOldTokenServesUntilItsEndWhereARenewalFails(t *testing.T) {
	identity := &azauthtest.Numbered{Life: time.Hour}
	bubble(t, identity.Get, func(t *testing.T, tokens *Tokens) {
		require.Equal(t, "1", tokenOf(t, tokens))
		identity.Broken.Store(true)
		time.Sleep(50 * time.Minute)
		for range 10 {
			assert.Equal(t, "1", tokenOf(t, tokens))
		}
		assert.Equal(t, int32(2), identity.Asked.Load(), "it is not tried at each request")
		time.Sleep(tokenPause)
		assert.Equal(t, "1", tokenOf(t, tokens))
		assert.Equal(t, int32(3), identity.Asked.Load())

		time.Sleep(10*time.Minute - tokenPause - tokenSlack - time.Second)
		assert.Equal(t, "1", tokenOf(t, tokens))
		time.Sleep(time.Second)
		_, err := tokens.GetToken(t.Context(), policy.TokenRequestOptions{})
		require.EqualError(t, err, "no token of Microsoft Entra ID for blob storage: out of order")
		assert.Equal(t, StoragePart, RefusedBy(err))

		identity.Broken.Store(false)
		assert.Equal(t, "6", tokenOf(t, tokens))
	})
}

// azidentity does so: it has a cache of its own.
func TestTheSameTokenAgainIsTakenForNoRenewal(t *testing.T) {
	token := azcore.AccessToken{Token: "1", ExpiresOn: time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)}
	asked := 0
	identity := azauthtest.CredentialFunc(func(context.Context) (azcore.AccessToken, error) {
		asked++
		if time.Until(token.ExpiresOn) < 5*time.Minute {
			token = azcore.AccessToken{Token: "2", ExpiresOn: token.ExpiresOn.Add(time.Hour)}
		}
		return token, nil
	})
	bubble(t, identity, func(t *testing.T, tokens *Tokens) {
		for range 60 * 2 {
			require.Equal(t, token.Token, tokenOf(t, tokens))
			time.Sleep(tokenPause)
		}
		assert.Equal(t, "2", token.Token)
		assert.Equal(t, 13, asked, "once, then every half minute, from ten minutes before the end until it is another one")
	})
}

func TestARenewalThatHangsHoldsNobodyUpForLong(t *testing.T) {
	hanging := false
	identity := azauthtest.CredentialFunc(func(ctx context.Context) (azcore.AccessToken, error) {
		if hanging {
			<-ctx.Done()
			return azcore.AccessToken{}, ctx.Err()
		}
		return azcore.AccessToken{Token: "1", ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
	bubble(t, identity, func(t *testing.T, tokens *Tokens) {
		require.Equal(t, "1", tokenOf(t, tokens))
		time.Sleep(50 * time.Minute)
		hanging = true
		began := time.Now()
		assert.Equal(t, "1", tokenOf(t, tokens))
		assert.Equal(t, tokenWait, time.Since(began))
		assert.Equal(t, "1", tokenOf(t, tokens))
		assert.Equal(t, tokenWait, time.Since(began), "only the first one waits")
	})
}

func TestATokenThatDoesNotComeIsAnErrorInTheEnd(t *testing.T) {
	identity := azauthtest.CredentialFunc(func(ctx context.Context) (azcore.AccessToken, error) {
		<-ctx.Done()
		return azcore.AccessToken{}, ctx.Err()
	})
	bubble(t, identity, func(t *testing.T, tokens *Tokens) {
		began := time.Now()
		_, err := tokens.GetToken(t.Context(), policy.TokenRequestOptions{})
		require.EqualError(t, err, "no token of Microsoft Entra ID for blob storage: context deadline exceeded")
		assert.Equal(t, tokenTimeout, time.Since(began))
	})
}

func TestWhoAsksNextHasTheTokenThatTheFirstDidNotWaitFor(t *testing.T) {
	identity := azauthtest.CredentialFunc(func(context.Context) (azcore.AccessToken, error) {
		time.Sleep(10 * time.Second) // as the az command may
		return azcore.AccessToken{Token: "slow", ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
	bubble(t, identity, func(t *testing.T, tokens *Tokens) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := tokens.GetToken(ctx, policy.TokenRequestOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		began := time.Now()
		assert.Equal(t, "slow", tokenOf(t, tokens))
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}

func TestTheEndOfTheTokensCutsOffTheRequestUnderWay(t *testing.T) {
	var cut atomic.Bool
	identity := azauthtest.CredentialFunc(func(ctx context.Context) (azcore.AccessToken, error) {
		<-ctx.Done()
		cut.Store(true)
		return azcore.AccessToken{}, ctx.Err()
	})
	bubble(t, identity, func(t *testing.T, tokens *Tokens) {
		failed := make(chan error, 1)
		go func() {
			_, err := tokens.GetToken(t.Context(), policy.TokenRequestOptions{})
			failed <- err
		}()
		synctest.Wait()
		tokens.Close()
		assert.True(t, cut.Load())
		require.Error(t, <-failed)
		_, err := tokens.GetToken(t.Context(), policy.TokenRequestOptions{})
		require.ErrorIs(t, err, ErrClosed)
	})
}
