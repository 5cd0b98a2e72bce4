package intermediary

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhoStandsBetweenIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		want   string
	}{
		"Falco":                   {http.Header{"Date": {"now"}, "Content-Length": {"0"}}, ""},
		"Istio":                   {http.Header{"Server": {"istio-envoy"}, "X-Envoy-Upstream-Service-Time": {"3"}}, "istio-envoy"},
		"nginx":                   {http.Header{"Server": {"nginx/1.25.3"}}, "nginx"},
		"Apache":                  {http.Header{"Server": {"Apache/2.4.1 (Unix)"}}, "Apache"},
		"Via":                     {http.Header{"Via": {"1.1 google"}}, "1.1 google"},
		"two of Via":              {http.Header{"Via": {"1.1 a", "1.0 b (squid/5.7)"}}, "1.1 a, 1.0 b (squid/5.7)"},
		"Server wins":             {http.Header{"Server": {"envoy"}, "Via": {"1.1 a"}}, "envoy"},
		"a silent Envoy":          {http.Header{"X-Envoy-Upstream-Service-Time": {"3"}}, "envoy"},
		"Linkerd":                 {http.Header{"L5d-Proxy-Error": {"connection refused"}}, "linkerd"},
		"an empty Server":         {http.Header{"Server": {""}}, "a proxy"},
		"nothing printable":       {http.Header{"Via": {"\x01\x80\n"}}, "a proxy"},
		"lines and control codes": {http.Header{"Via": {"1.1 a\r\nlevel=error\tb \"c\" é"}}, "1.1 a level=error b c"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, Name(test.header)) })
	}
}

func TestANameIsBounded(t *testing.T) {
	name := Name(http.Header{"Via": {strings.Repeat("x", 5000)}})
	assert.Len(t, name, maxName)
	assert.True(t, strings.HasSuffix(name, "..."))
}

// TestGosServerIsNobody checks the premise: Falco's plugin serves with net/http.
func TestGosServerIsNobody(t *testing.T) {
	falco := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.Error(w, "bad", http.StatusBadRequest)
		}
	}))
	defer falco.Close()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		req, err := http.NewRequestWithContext(t.Context(), method, falco.URL, nil)
		require.NoError(t, err)
		resp, err := falco.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Empty(t, Name(resp.Header))
	}
}
