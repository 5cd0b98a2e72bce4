package status

import (
	"encoding/json"
	"net/http"
	"strings"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/status/page"
)

// root returns a handler that answers a browser with the status page, and any other client, such as curl, with a short
// text.
func root() http.HandlerFunc {
	html := page.Handler()
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			html.ServeHTTP(w, r)
			return
		}
		answer(w, http.StatusOK, "aks-audit-log-go "+forwarder.Version+"\n\n/metrics      statistics, for Prometheus\n"+
			"/healthz      200 unless it is wedged, then 503 and why\n/readyz       200 while it forwards, else 503 and why not\n"+
			"/status.json  what the page shows that a browser gets here")
	}
}

// statusJSON returns a handler that answers with the status of this moment.
func statusJSON(status func() Status) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body, err := json.Marshal(status())
		if err != nil {
			http.Error(w, "the status cannot be written as JSON", http.StatusInternalServerError)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		// A write fails only if the client has gone away, which needs no action.
		_, _ = w.Write(body)
	}
}
