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

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/azauthtest"
)

// bubble runs a test with the tokens of an identity and with a clock of its own.
func bubble(t *testing.T, identity azauthtest.CredentialFunc, test func(t *testing.T, source *TokenSource)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		source := NewTokenSource(StorageResource, identity)
		defer source.Close()
		test(t, source)
	})
}

func tokenOf(t *testing.T, source *TokenSource) string {
	t.Helper()
	token, err := source.GetToken(t.Context(), policy.TokenRequestOptions{})
	require.NoError(t, err)
	return token.Token
}

func TestATokenIsRequestedOnceAndCached(t *testing.T) {
	identity := &azauthtest.Numbered{Life: time.Hour}
	bubble(t, identity.Get, func(t *testing.T, source *TokenSource) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { assert.Equal(t, "1", tokenOf(t, source)) })
		}
		wg.Wait()
		time.Sleep(49 * time.Minute)
		assert.Equal(t, "1", tokenOf(t, source))
		assert.Equal(t, int32(1), identity.Requests.Load())
	})
}

func TestATokenIsRenewedBeforeItExpires(t *testing.T) {
	for life, after := range map[time.Duration]time.Duration{time.Hour: 50 * time.Minute, 4 * time.Minute: 2 * time.Minute} {
		bubble(t, (&azauthtest.Numbered{Life: life}).Get, func(t *testing.T, source *TokenSource) {
			require.Equal(t, "1", tokenOf(t, source))
			time.Sleep(after - time.Second)
			assert.Equal(t, "1", tokenOf(t, source))
			time.Sleep(time.Second)
			assert.Equal(t, "2", tokenOf(t, source))
			assert.Equal(t, "2", tokenOf(t, source))
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
	bubble(t, identity, func(t *testing.T, source *TokenSource) {
		require.Equal(t, "1", tokenOf(t, source))
		time.Sleep(12*time.Hour - time.Second)
		assert.Equal(t, "1", tokenOf(t, source))
		time.Sleep(time.Second)
		assert.Equal(t, "2", tokenOf(t, source))
	})
}

func TestTheOldTokenServesUntilItsEndWhereARenewalFails(t *testing.T) {
	identity := &azauthtest.Numbered{Life: time.Hour}
	bubble(t, identity.Get, func(t *testing.T, source *TokenSource) {
		require.Equal(t, "1", tokenOf(t, source))
		identity.Broken.Store(true)
		time.Sleep(50 * time.Minute)
		for range 10 {
			assert.Equal(t, "1", tokenOf(t, source))
		}
		assert.Equal(t, int32(2), identity.Requests.Load(), "it is not tried at each request")
		time.Sleep(renewalPause)
		assert.Equal(t, "1", tokenOf(t, source))
		assert.Equal(t, int32(3), identity.Requests.Load())

		time.Sleep(10*time.Minute - renewalPause - expiryMargin - time.Second)
		assert.Equal(t, "1", tokenOf(t, source))
		time.Sleep(time.Second)
		_, err := source.GetToken(t.Context(), policy.TokenRequestOptions{})
		require.EqualError(t, err, "no token of Microsoft Entra ID for blob storage: out of order")
		assert.Equal(t, eventhub.ServiceStorage, eventhub.AccessDeniedBy(err))

		identity.Broken.Store(false)
		assert.Equal(t, "6", tokenOf(t, source))
	})
}

// azidentity returns the same token because it has a cache of its own.
func TestTheSameTokenAgainIsNotARenewal(t *testing.T) {
	token := azcore.AccessToken{Token: "1", ExpiresOn: time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)}
	asked := 0
	identity := azauthtest.CredentialFunc(func(context.Context) (azcore.AccessToken, error) {
		asked++
		if time.Until(token.ExpiresOn) < 5*time.Minute {
			token = azcore.AccessToken{Token: "2", ExpiresOn: token.ExpiresOn.Add(time.Hour)}
		}
		return token, nil
	})
	bubble(t, identity, func(t *testing.T, source *TokenSource) {
		for range 60 * 2 {
			require.Equal(t, token.Token, tokenOf(t, source))
			time.Sleep(renewalPause)
		}
		assert.Equal(t, "2", token.Token)
		assert.Equal(t, 13, asked, "once, then every half minute, from ten minutes before the end until it is another one")
	})
}

func TestARenewalThatHangsDelaysACallerOnlyBriefly(t *testing.T) {
	hanging := false
	identity := azauthtest.CredentialFunc(func(ctx context.Context) (azcore.AccessToken, error) {
		if hanging {
			<-ctx.Done()
			return azcore.AccessToken{}, ctx.Err()
		}
		return azcore.AccessToken{Token: "1", ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
	bubble(t, identity, func(t *testing.T, source *TokenSource) {
		require.Equal(t, "1", tokenOf(t, source))
		time.Sleep(50 * time.Minute)
		hanging = true
		began := time.Now()
		assert.Equal(t, "1", tokenOf(t, source))
		assert.Equal(t, renewalWait, time.Since(began))
		assert.Equal(t, "1", tokenOf(t, source))
		assert.Equal(t, renewalWait, time.Since(began), "only the first one waits")
	})
}

func TestATokenThatDoesNotComeIsAnErrorAfterTheTimeout(t *testing.T) {
	identity := azauthtest.CredentialFunc(func(ctx context.Context) (azcore.AccessToken, error) {
		<-ctx.Done()
		return azcore.AccessToken{}, ctx.Err()
	})
	bubble(t, identity, func(t *testing.T, source *TokenSource) {
		began := time.Now()
		_, err := source.GetToken(t.Context(), policy.TokenRequestOptions{})
		require.EqualError(t, err, "no token of Microsoft Entra ID for blob storage: context deadline exceeded")
		assert.Equal(t, tokenTimeout, time.Since(began))
	})
}

func TestTheNextCallerGetsTheTokenThatTheFirstDidNotWaitFor(t *testing.T) {
	identity := azauthtest.CredentialFunc(func(context.Context) (azcore.AccessToken, error) {
		time.Sleep(10 * time.Second) // as the az command may
		return azcore.AccessToken{Token: "slow", ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
	bubble(t, identity, func(t *testing.T, source *TokenSource) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := source.GetToken(ctx, policy.TokenRequestOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		began := time.Now()
		assert.Equal(t, "slow", tokenOf(t, source))
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}

func TestCloseCancelsTheRequestInFlight(t *testing.T) {
	var cut atomic.Bool
	identity := azauthtest.CredentialFunc(func(ctx context.Context) (azcore.AccessToken, error) {
		<-ctx.Done()
		cut.Store(true)
		return azcore.AccessToken{}, ctx.Err()
	})
	bubble(t, identity, func(t *testing.T, source *TokenSource) {
		failed := make(chan error, 1)
		go func() {
			_, err := source.GetToken(t.Context(), policy.TokenRequestOptions{})
			failed <- err
		}()
		synctest.Wait()
		source.Close()
		assert.True(t, cut.Load())
		require.Error(t, <-failed)
		_, err := source.GetToken(t.Context(), policy.TokenRequestOptions{})
		require.ErrorIs(t, err, errClosed)
	})
}
