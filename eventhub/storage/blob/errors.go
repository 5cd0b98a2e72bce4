package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
)

// These codes of two refusals are missing in the SDK
// (https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes and
// https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent).
const (
	codeNotAuthorized azblob.ServiceCodeType = "AuthorizationFailure"
	codeNoKeys        azblob.ServiceCodeType = "KeyBasedAuthenticationNotPermitted"
)

// ErrNoContainer says that the container does not exist.
var ErrNoContainer = errors.New("blob storage answered 404 ContainerNotFound")

// explain turns an error into one line that says what failed. The SDK's own errors are a page long and contain the
// address, which contains the signature if one is used.
func (c container) explain(err error) error {
	if eventhub.AccessDeniedBy(err) != "" {
		return err
	}
	var failure azblob.StorageError
	if errors.As(err, &failure) {
		return c.explainResponse(failure)
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

// explainResponse returns an error that says what the service answered. If the answer denies access, the error is an
// AccessDeniedError that says what is needed.
func (c container) explainResponse(failure azblob.StorageError) error {
	status := statusCode(failure)
	if failure.ServiceCode() == azblob.ServiceCodeContainerNotFound {
		return ErrNoContainer
	}
	text := fmt.Sprintf("blob storage answered %d %s", status, failure.ServiceCode())
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return errors.New(text)
	}
	switch {
	case c.expired():
		text = fmt.Sprintf("the signature in BLOBSTORAGECONNECTIONSTRING expired at %s (its se=): make a new one (az storage container generate-sas): %s",
			c.signatureEnds.Format(time.RFC3339), text)
	case failure.ServiceCode() == codeNotAuthorized:
		text += ": check that the firewall of the account permits this network"
	case failure.ServiceCode() == codeNoKeys:
		text += ": the account forbids keys, set BLOBSTORAGEURL instead of BLOBSTORAGECONNECTIONSTRING"
	case c.tokens != nil:
		text += ": " + azauth.StorageResource.RoleHint()
	}
	return &eventhub.AccessDeniedError{Service: eventhub.ServiceStorage, Message: text}
}

// explainCreation returns an error that says why a missing container could not be created, and what an operator has
// to do.
func (c container) explainCreation(err error) error {
	var failure azblob.StorageError
	if !errors.As(err, &failure) || statusCode(failure) != http.StatusForbidden {
		return fmt.Errorf("the container %s does not exist; create it: %w", c.name, c.explain(err))
	}
	with := "BLOBSTORAGECONNECTIONSTRING"
	if c.tokens != nil {
		with = "this identity"
	}
	return fmt.Errorf("the container %s does not exist, and it cannot be created with %s "+
		"(create it, or permit creating containers): %w", c.name, with, c.explain(err))
}

// expired tells whether the shared access signature has expired. It returns false if the signature does not say when.
func (c container) expired() bool {
	return !c.signatureEnds.IsZero() && time.Now().After(c.signatureEnds)
}

func statusCode(failure azblob.StorageError) int {
	return failure.Response().StatusCode //nolint:bodyclose // the SDK has closed it
}

// isConflict tells whether a conditional write failed because of its condition.
func isConflict(err error) bool {
	switch serviceCode(err) {
	case azblob.ServiceCodeConditionNotMet, azblob.ServiceCodeBlobAlreadyExists, azblob.ServiceCodeBlobNotFound:
		return true
	}
	return false
}

// serviceCode returns the error code of the service, or "" if the service did not answer.
func serviceCode(err error) azblob.ServiceCodeType {
	var failure azblob.StorageError
	if errors.As(err, &failure) {
		return failure.ServiceCode()
	}
	return ""
}
