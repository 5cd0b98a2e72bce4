package webhook

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClassify(t *testing.T) {
	want := map[int]class{
		0:   retryable,
		200: accepted, 201: accepted, 202: accepted, 204: accepted, 206: accepted, 299: accepted,
		400: refused, 413: refused, 422: refused,
		408: retryable, 429: retryable,
		500: retryable, 501: retryable, 502: retryable, 503: retryable, 504: retryable, 505: retryable, 511: retryable, 599: retryable,
		101: misconfigured, 300: misconfigured, 301: misconfigured, 302: misconfigured, 303: misconfigured, 304: misconfigured,
		307: misconfigured, 308: misconfigured, 401: misconfigured, 403: misconfigured, 404: misconfigured, 405: misconfigured,
		406: misconfigured, 407: misconfigured, 409: misconfigured, 410: misconfigured, 411: misconfigured, 412: misconfigured, 414: misconfigured,
		415: misconfigured, 418: misconfigured, 421: misconfigured, 451: misconfigured, 499: misconfigured, 600: misconfigured, 999: misconfigured,
	}
	for status, class := range want {
		assert.Equal(t, class, classify(status), "status %d", status)
	}
}

func TestAWebPageAcceptsNothing(t *testing.T) {
	const page = "<!doctype html><html><body>Welcome to nginx!</body></html>"
	for _, test := range []struct {
		name       string
		status     int
		kind, body string
		want       class
	}{
		{"a page", 200, "text/html", page, misconfigured},
		{"with a charset", 200, "text/html; charset=utf-8", page, misconfigured},
		{"in upper case", 200, "TEXT/HTML;CHARSET=UTF-8", page, misconfigured},
		{"with an odd parameter", 200, "text/html ; charset", page, misconfigured},
		{"201", 201, "text/html", page, misconfigured},
		{"202", 202, "Text/Html", page, misconfigured},
		{"without a body", 200, "text/html", "", misconfigured},
		{"Falco until 0.31", 200, "text/html", "<html><body>Ok</body></html>", accepted},
		{"the same with a line's end", 200, "text/html; charset=utf-8", "<html><body>ok</body></html>\r\n", accepted},
		{"a page that begins like Falco's", 200, "text/html", "<html><body>Ok</body></html><p>more", misconfigured},
		{"Falco's k8saudit", 200, "", "", accepted},
		{"text", 200, "text/plain; charset=utf-8", "ok", accepted},
		{"JSON", 200, "application/json", "{}", accepted},
		{"markup that is no page", 200, "text/html5", page, accepted},
		{"an error of a proxy", 503, "text/html", page, retryable},
		{"a server of Go's that takes only HTTPS", 400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n", misconfigured},
		{"nginx that takes only HTTPS", 400, "text/html", "<title>400 The plain HTTP request was sent to HTTPS port</title>", misconfigured},
		{"a refusal", 400, "text/html", page, refused},
		{"Falco's words with an error", 500, "text/html", "<html><body>Ok</body></html>", retryable},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, _ := saying(test.status)
			resp.Header.Set("Content-Type", test.kind)
			assert.Equal(t, test.want, classifyAnswer(resp, []byte(test.body)))
		})
	}
}

func TestStatusClass(t *testing.T) {
	for status, want := range map[int]string{
		0: "error", 101: "error", 200: "2xx", 204: "2xx", 307: "3xx", 404: "4xx", 503: "5xx", 600: "error", 999: "error",
	} {
		assert.Equal(t, want, statusClass(status), "status %d", status)
	}
}
