package page

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fetch requests the page from the handler, as a browser does.
func fetch(t *testing.T) (http.Header, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	return answer.Header(), answer.Body.String()
}

// directives returns the values of a Content-Security-Policy, by their directives.
func directives(t *testing.T, policy string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for directive := range strings.SplitSeq(policy, "; ") {
		name, value, _ := strings.Cut(directive, " ")
		require.NotContains(t, all, name)
		all[name] = value
	}
	return all
}

// within returns the text between the tags of the only element with that name.
func within(t *testing.T, html, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<`+name+`>(.*?)</`+name+`>`).FindAllStringSubmatch(html, -1)
	require.Len(t, found, 1)
	return found[0][1]
}

func TestThePolicyAllowsOnlyThePagesOwnScript(t *testing.T) {
	header, html := fetch(t)
	policy := directives(t, header.Get("Content-Security-Policy"))
	for name, part := range map[string]string{"script-src": "script", "style-src": "style"} {
		sum := sha256.Sum256([]byte(within(t, html, part)))
		assert.Equal(t, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", policy[name])
	}
	for name, value := range map[string]string{
		"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
		"connect-src": "'self'", "img-src": "data:", "trusted-types": "'none'",
	} {
		assert.Equal(t, value, policy[name], name)
	}
}

func TestThePageForbidsCachesFramesAndSniffing(t *testing.T) {
	header, _ := fetch(t)
	for name, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		assert.Equal(t, value, header.Get(name), name)
	}
}

func TestThePageLoadsNothingFromOtherHosts(t *testing.T) {
	_, html := fetch(t)
	assert.NotContains(t, html, "/*style*/")
	assert.NotContains(t, html, "/*script*/")
	for _, address := range regexp.MustCompile(`(?:src|href|url)\s*[=(]\s*["']?([^"'\s)>]+)`).FindAllStringSubmatch(html, -1) {
		assert.NotContains(t, address[1], "//", "an address of another host")
	}
	for _, address := range regexp.MustCompile(`https?://[^\s"']+`).FindAllString(html, -1) {
		assert.Equal(t, "http://www.w3.org/2000/svg", address, "the name of SVG's namespace, from which nothing is loaded")
	}
	assert.Less(t, len(html), 40_000, "bytes, for a phone on a bad line")
}

// TestTheScriptWritesOnlyText looks for innerHTML and the like. With them, a name that somebody else chose, such as an
// owner's, could become markup.
func TestTheScriptWritesOnlyText(t *testing.T) {
	_, html := fetch(t)
	for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
		assert.NotContains(t, within(t, html, "script"), way)
	}
}
