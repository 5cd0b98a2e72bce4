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

// AccessDeniedError is an error that only an operator can fix: a service does not accept the key, signature or
// identity that it was given, or there is no token to give it.
type AccessDeniedError struct {
	// Service denies the access.
	Service Service
	// Message says what was denied and what is needed.
	Message string
}

// Error returns Message.
func (e *AccessDeniedError) Error() string { return e.Message }

// NonRetriable tells azeventhubs not to reconnect, which would cut the links of all partitions (internal/errors.go,
// GetRecoveryKind).
func (*AccessDeniedError) NonRetriable() {}

// AccessDeniedBy returns the service that denies the access, or "" if err is another error.
func AccessDeniedBy(err error) Service {
	var denied *AccessDeniedError
	if errors.As(err, &denied) {
		return denied.Service
	}
	return ""
}
