package status

import (
	"encoding/json"
	"net/http"
	"strings"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/history"
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
		answer(w, http.StatusOK, "aks-audit-log-go "+forwarder.Version+"\n\n/metrics       statistics, for Prometheus\n"+
			"/healthz       200 unless it is wedged, then 503 and why\n/readyz        200 while it forwards, else 503 and why not\n"+
			"/status.json   what the page shows that a browser gets here\n"+
			"/history.json  the last 24 hours by the minute; ?partition=0 for one partition")
	}
}

func statusJSON(status func() Status) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, status()) }
}

// historyJSON returns a handler that answers with the history of all partitions together, or of the one in the
// parameter partition. The lists are empty if there is none. A 404 would be an error in the console of a browser whose
// page asks for a partition that was just claimed.
func historyJSON(kept *history.History) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("partition")
		if id == "" {
			answerJSON(w, kept.All())
			return
		}
		answerJSON(w, kept.Partition(id))
	}
}

// answerJSON writes a value that only pages of this server may read.
func answerJSON(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "the answer cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	// A write fails only if the client is gone, which needs no action.
	_, _ = w.Write(body)
}
