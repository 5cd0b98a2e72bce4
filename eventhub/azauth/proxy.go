package azauth

import (
	"errors"
	"net/http"
	"net/url"
)

var ErrProxy = errors.New("HTTPS_PROXY or HTTP_PROXY is not the address of a proxy")

// withoutValue replaces the error with which http.ProxyFromEnvironment shows what the variable
// holds, which may be a password.
func WithoutValue(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(request *http.Request) (*url.URL, error) {
		found, err := proxy(request)
		if err != nil {
			return nil, ErrProxy
		}
		return found, nil
	}
}
