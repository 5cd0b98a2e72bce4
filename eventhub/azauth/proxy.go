package azauth

import (
	"errors"
	"net/http"
	"net/url"
)

// errInvalidProxy replaces the error of http.ProxyFromEnvironment, which quotes the variable.
var errInvalidProxy = errors.New("HTTPS_PROXY or HTTP_PROXY is not the address of a proxy")

// HideProxyValue wraps proxy so that its error does not show the variable's value, which may hold a password.
func HideProxyValue(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(request *http.Request) (*url.URL, error) {
		address, err := proxy(request)
		if err != nil {
			return nil, errInvalidProxy
		}
		return address, nil
	}
}
