package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed page.html
var document string

//go:embed page.css
var ownStyle string

// The parts of the page's own script, in their order.
var (
	//go:embed text.js
	textScript string
	//go:embed banner.js
	bannerScript string
	//go:embed history.js
	historyScript string
	//go:embed tables.js
	tablesScript string
	//go:embed page.js
	pageScript string
)

// uPlot draws the plots. `make uplot` takes its files from the npm package that e2e/package-lock.json pins.
var (
	//go:embed uplot/uPlot.iife.min.js
	uPlotScript string
	//go:embed uplot/uPlot.min.css
	uPlotStyle string
	//go:embed uplot/LICENSE
	uPlotLicense string
)

func style() string { return uPlotStyle + "\n" + ownStyle }

// uPlot returns the text of the <script> element of uPlot, with its licence.
func uPlot() string { return "/*\n" + uPlotLicense + "*/\n" + uPlotScript }

// script returns the text of the <script> element of the page. Its names are not global.
func script() string {
	parts := []string{textScript, bannerScript, historyScript, tablesScript, pageScript}
	return "\"use strict\";\n(() => {\n" + strings.Join(parts, "\n") + "})();\n"
}

func html() string {
	return strings.NewReplacer("/*style*/", style(), "/*uplot*/", uPlot(), "/*script*/", script()).Replace(document)
}

// policy returns the Content-Security-Policy of the page. The page may only run its own two scripts, use its own style
// and icon, and fetch data from its own server. No other page may show it in a frame.
func policy() string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + hash(uPlot()) + " " + hash(script()),
		"style-src " + hash(style()),
		"img-src data:",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

// hash returns the source expression that allows one <script> or <style> element, by its text.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// compress returns a text in gzip's format, for a phone on a slow line. Nothing in the page is secret.
func compress(text string) []byte {
	var compressed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&compressed, gzip.BestCompression) // fails only for a level that does not exist
	// A write into memory does not fail.
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return compressed.Bytes()
}

// Handler returns a handler that serves the page. The page uses relative paths, so that it works behind a prefix, such
// as that of the API server's proxy.
func Handler() http.Handler {
	plain, compressed, policy := []byte(html()), compress(html()), policy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, body := w.Header(), plain
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		header.Add("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			header.Set("Content-Encoding", "gzip")
			body = compressed
		}
		// A write fails only if the client is gone, which needs no action.
		_, _ = w.Write(body)
	})
}
