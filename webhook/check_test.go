package webhook

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
)

func checkSink(t *testing.T, sink string, within time.Duration) (string, error) {
	t.Helper()
	address, err := url.Parse(sink)
	require.NoError(t, err)
	log, _ := logtest.NewNullLogger()
	stats := metrics.NewStatistics(prometheus.NewRegistry(), "test", time.Now)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	poster, err := New(forwarder.Config{SinkURL: address, KeepAlive: true}, stats, health.NewHealth(), log)
	require.NoError(t, err)
	return poster.Check(ctx)
}

func TestACheckPostsAnEmptyListAsAuditEventsArePosted(t *testing.T) {
	var posted *http.Request
	var body []byte
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		posted = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer sink.Close()
	found, err := checkSink(t, strings.Replace(sink.URL, "http://", "http://user:s3cr3t@", 1)+"/k8s-audit?token=t0k3n", failAfter)
	require.NoError(t, err)
	assert.Contains(t, found, sink.URL+"/k8s-audit answered 200 to an empty list of audit events")
	assert.Equal(t, http.MethodPost, posted.Method)
	assert.Equal(t, "/k8s-audit?token=t0k3n", posted.RequestURI)
	assert.Equal(t, "application/json", posted.Header.Get("Content-Type"))
	_, password, _ := posted.BasicAuth()
	assert.Equal(t, "s3cr3t", password)
	var list struct {
		Kind  string
		Items []any
	}
	require.NoError(t, json.Unmarshal(body, &list))
	assert.Equal(t, "EventList", list.Kind)
	assert.NotNil(t, list.Items)
	assert.Empty(t, list.Items)
}

func TestACheckSaysWhatToDoAboutAnAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		advice string
	}{
		"404":        {http.NotFound, "it has to be that of open_params in Falco's configuration, by default /k8s-audit"},
		"405":        {answerWith(405), "no webhook is at this path"},
		"401":        {answerWith(401), "user and password in WEBSINKURL, or a token"},
		"redirect":   {http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP, "redirects are not followed"},
		"400":        {answerWith(400), "is it Falco's k8saudit?"},
		"503":        {answerWith(503), "cannot take audit events now"},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello</html>") }, "that is a web page, not a webhook"},
		"silence":    {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); <-r.Context().Done() }, "a network policy or a wrong port"},
		"hanging up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "look at the sink's log"},
	} {
		t.Run(name, func(t *testing.T) {
			sink := httptest.NewServer(test.answer)
			defer sink.Close()
			within := failAfter
			if name == "silence" {
				within = hangsFor
			}
			_, err := checkSink(t, strings.Replace(sink.URL, "http://", "http://user:s3cr3t@", 1)+"/?token=t0k3n", within)
			require.ErrorContains(t, err, test.advice)
			assert.Contains(t, err.Error(), sink.URL)
			assert.NotContains(t, err.Error(), "s3cr3t")
			assert.NotContains(t, err.Error(), "t0k3n")
		})
	}
}

func TestACheckAcceptsTheAnswerOfAnOldFalco(t *testing.T) {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, falcoPage)
	}))
	defer sink.Close()
	_, err := checkSink(t, sink.URL, failAfter)
	require.NoError(t, err)
}

func answerWith(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func TestACheckSaysWhatToDoAboutAConnection(t *testing.T) {
	encrypted := httptest.NewUnstartedServer(http.NotFoundHandler())
	encrypted.StartTLS()
	defer encrypted.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, test := range map[string]struct{ sink, advice string }{
		"unknown authority":   {encrypted.URL, "name the authority of the sink's certificate in WEBSINKCAFILE"},
		"http where https":    {strings.Replace(encrypted.URL, "https:", "http:", 1), "begin WEBSINKURL with https://"},
		"https where http":    {strings.Replace(plain.URL, "http:", "https:", 1), "begin WEBSINKURL with http://"},
		"nobody listens":      {"http://" + closedPort(t) + "/", "nothing listens there"},
		"nobody has the name": {"http://falco.invalid:9765/k8s-audit", "there is no such host"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checkSink(t, test.sink, failAfter)
			require.ErrorContains(t, err, test.advice)
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
