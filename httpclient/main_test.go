package httpclient

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// fetchURL is the environment variable that makes the test binary fetch its URL and exit. net/http reads the proxy
// variables once per process, so a test of them needs its own process.
const fetchURL = "HTTPCLIENT_TEST_FETCH"

// proxyURL is the environment variable that makes the test binary print the proxy of its URL and exit.
const proxyURL = "HTTPCLIENT_TEST_PROXY"

func TestMain(m *testing.M) {
	if target := os.Getenv(fetchURL); target != "" {
		os.Exit(fetch(target))
	}
	if target := os.Getenv(proxyURL); target != "" {
		os.Exit(printProxy(target))
	}
	goleak.VerifyTestMain(m)
}

func fetch(target string) int {
	req, err := http.NewRequest(http.MethodGet, target, nil) //nolint:noctx // the parent's deadline ends it
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	resp, err := New(Options{Watcher: ignoringWatcher{}}).Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	head, err := Drain(resp.Body)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(string(head))
	return 0
}

func printProxy(target string) int {
	address, err := url.Parse(target)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(ProxyFor(address))
	return 0
}
