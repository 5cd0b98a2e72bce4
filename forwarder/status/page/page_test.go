package page

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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

// within returns the texts between the tags of the elements with that name.
func within(t *testing.T, html, name string) (texts []string) {
	t.Helper()
	for _, found := range regexp.MustCompile(`(?s)<`+name+`>(.*?)</`+name+`>`).FindAllStringSubmatch(html, -1) {
		texts = append(texts, found[1])
	}
	return texts
}

func TestThePolicyAllowsOnlyThePagesOwnScripts(t *testing.T) {
	header, html := fetch(t)
	policy := directives(t, header.Get("Content-Security-Policy"))
	for name, part := range map[string]string{"script-src": "script", "style-src": "style"} {
		var hashes []string
		for _, text := range within(t, html, part) {
			sum := sha256.Sum256([]byte(text))
			hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		}
		assert.NotEmpty(t, hashes)
		assert.Equal(t, strings.Join(hashes, " "), policy[name])
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
	for _, place := range []string{"/*style*/", "/*script*/", "/*uplot*/"} {
		assert.NotContains(t, html, place)
	}
	for _, address := range regexp.MustCompile(`(?:src|href|url)\s*[=(]\s*["']?([^"'\s)>]+)`).FindAllStringSubmatch(html, -1) {
		assert.NotContains(t, address[1], "//", "an address of another host")
	}
	named := []string{"http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"}
	for _, address := range regexp.MustCompile(`https?://[^\s"']+`).FindAllString(html, -1) {
		assert.Contains(t, named, address, "the name of SVG's namespace or of uPlot, from which nothing is loaded")
	}
}

func TestThePageIsSmallOnTheWay(t *testing.T) {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	request.Header.Set("Accept-Encoding", "gzip, deflate, br")
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, request)
	assert.Equal(t, "gzip", answer.Header().Get("Content-Encoding"))
	assert.Equal(t, []string{"Accept-Encoding"}, answer.Header().Values("Vary"))
	assert.Less(t, answer.Body.Len(), 40_000, "bytes, for a phone on a slow line")
	reader, err := gzip.NewReader(answer.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(reader)
	require.NoError(t, err)
	header, plain := fetch(t)
	assert.Empty(t, header.Get("Content-Encoding"))
	assert.Equal(t, plain, string(body))
}

func TestTheLicenceOfUPlotComesWithIt(t *testing.T) {
	scripts := within(t, html(), "script")
	require.Len(t, scripts, 2)
	assert.Contains(t, scripts[0], "Copyright (c) 2022 Leon Sorokin")
	assert.Contains(t, scripts[0], "Permission is hereby granted, free of charge")
}

// TestTheScriptWritesOnlyText looks for innerHTML and the like. With them, a name from outside, such as an owner's,
// could become markup.
func TestTheScriptWritesOnlyText(t *testing.T) {
	_, html := fetch(t)
	for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
		assert.NotContains(t, strings.Join(within(t, html, "script"), ""), way)
	}
}
