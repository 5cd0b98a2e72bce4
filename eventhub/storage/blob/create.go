package blob

import (
	"errors"
	"fmt"
	"net/http"
	"path"

	"github.com/Azure/azure-storage-blob-go/azblob"
)

// notMade says of a container that is missing why it could not be made, and where that is for the
// operator to decide, what has to be done.
func (c Container) notMade(err error) error {
	address := c.url.URL()
	name := path.Base(address.Path)
	var failure azblob.StorageError
	if errors.As(err, &failure) && failure.Response().StatusCode == http.StatusForbidden { //nolint:bodyclose // the SDK has closed it
		with := "BLOBSTORAGECONNECTIONSTRING"
		if c.tokens != nil {
			with = "this identity"
		}
		return fmt.Errorf("the container %s does not exist, and it may not be made with %s "+
			"(make it, or permit creating containers): %w", name, with, c.explain(err))
	}
	return fmt.Errorf("the container %s does not exist; make it: %w", name, c.explain(err))
}
