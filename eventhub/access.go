package eventhub

import "errors"

// Service is an Azure service that can deny access to this process.
type Service string

const (
	// ServiceHub is the event hub.
	ServiceHub Service = "hub"
	// ServiceStorage is the blob storage account.
	ServiceStorage Service = "storage"
)

// AccessDeniedError is an error that only an operator can fix: a service rejects the key, signature or identity, or
// there is no token.
type AccessDeniedError struct {
	Service Service
	// Message says what was denied and what is needed.
	Message string
}

// Error returns Message.
func (e *AccessDeniedError) Error() string { return e.Message }

// NonRetriable keeps azeventhubs from reconnecting, which would cut the links of all partitions (internal/errors.go,
// GetRecoveryKind).
func (*AccessDeniedError) NonRetriable() {}

// AccessDeniedBy returns the service that denies access, or "" if err is another error.
func AccessDeniedBy(err error) Service {
	var denied *AccessDeniedError
	if errors.As(err, &denied) {
		return denied.Service
	}
	return ""
}
