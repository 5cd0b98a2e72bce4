package azauth

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheErrorOfAProxyDoesNotShowItsAddress(t *testing.T) {
	wrong := errors.New(`invalid proxy address "http://user:s3cr3t@%zz"`)
	_, err := HideProxyValue(func(*http.Request) (*url.URL, error) { return nil, wrong })(nil)
	require.EqualError(t, err, "HTTPS_PROXY or HTTP_PROXY is not the address of a proxy")
}
