package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed page.html
var document string

//go:embed page.css
var style string

//go:embed page.js
var script string

// html returns the page with its style and its script.
func html() string {
	return strings.NewReplacer("/*style*/", style, "/*script*/", script).Replace(document)
}

// policy returns the Content-Security-Policy of the page. The page may run its own script, use its own style and icon,
// and fetch data from the server that it came from, and nothing else. No other page may show it in a frame.
func policy() string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + hash(script),
		"style-src " + hash(style),
		"img-src data:",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

// hash returns the source expression that allows the text of one <script> or <style> element.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Handler returns a handler that serves the page. The page uses relative paths, so that it works behind a prefix, such
// as that of the API server's proxy.
func Handler() http.Handler {
	body, policy := []byte(html()), policy()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		// A write fails only if the client has gone away, which needs no action.
		_, _ = w.Write(body)
	})
}
