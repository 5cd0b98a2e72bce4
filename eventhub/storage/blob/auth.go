package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/Azure/azure-pipeline-go/pipeline"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
)

// signIn puts a token on a request, where tokens are used.
//
// The SDK's own token credential is not used: it renews by a timer, whose failures nobody hears of
// and which wants a token before the first request. Here a request that gets none says why.
func (c Container) signIn(ctx context.Context, request pipeline.Request) error {
	if c.tokens == nil {
		return nil
	}
	token, err := c.tokens.GetToken(ctx, policy.TokenRequestOptions{})
	if err != nil {
		return err // the SDK does not repeat it: it is no net.Error
	}
	request.Header.Set("Authorization", "Bearer "+token.Token)
	return nil
}

// What the service calls two refusals (https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
// and https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent).
const (
	codeNotAuthorized azblob.ServiceCodeType = "AuthorizationFailure"
	codeNoKeys        azblob.ServiceCodeType = "KeyBasedAuthenticationNotPermitted"
)

// explain says in a line what went wrong. The SDK's own errors are a page long and hold the
// address, which holds the signature where one is used.
func (c Container) explain(err error) error {
	if eventhub.AccessDeniedBy(err) != "" {
		return err
	}
	var failure azblob.StorageError
	if errors.As(err, &failure) {
		return c.explainAnswer(failure)
	}
	var transport *url.Error
	if errors.As(err, &transport) {
		return fmt.Errorf("blob storage: %w", transport.Err)
	}
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, cause) {
			return fmt.Errorf("blob storage: %w", cause)
		}
	}
	return errors.New("blob storage: no usable answer")
}

// explainAnswer says what the service answered and, of a refusal, what is needed.
func (c Container) explainAnswer(failure azblob.StorageError) error {
	status := failure.Response().StatusCode //nolint:bodyclose // the SDK has closed it
	text := fmt.Sprintf("blob storage answered %d %s", status, failure.ServiceCode())
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return errors.New(text)
	}
	switch {
	case failure.ServiceCode() == codeNotAuthorized:
		text += ": does the account's firewall let this network in?"
	case failure.ServiceCode() == codeNoKeys:
		text += ": the account takes no keys, set BLOBSTORAGEURL in place of BLOBSTORAGECONNECTIONSTRING"
	case c.tokens != nil:
		text += ": " + azauth.StorageResource.RoleHint()
	}
	return &eventhub.AccessDeniedError{Service: eventhub.ServiceStorage, Message: text}
}
