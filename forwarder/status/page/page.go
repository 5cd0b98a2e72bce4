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

// HTML returns the page.
func HTML() string {
	return strings.NewReplacer("/*style*/", style, "/*script*/", script).Replace(document)
}

// policy is the Content-Security-Policy of the page: it may run its own script, use its own style
// and icon, and ask where it comes from for data. Nothing else, by nobody, not even in a frame.
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

// hash is how a policy names a text between <script> or <style> and its end.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Handler serves the page. Its paths are relative, so that it works behind a prefix, as that of
// the API server's proxy.
func Handler() http.Handler {
	html, policy := HTML(), policy()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		// A client that went away is told nothing.
		_, _ = w.Write([]byte(html))
	})
}
