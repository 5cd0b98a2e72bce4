package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sinkWithSecrets returns a redactor of a URL with a secret in each place.
func sinkWithSecrets(t *testing.T) redactor {
	t.Helper()
	u, err := url.Parse("http://me:hunter2@falco:9765/k8s-audit?token=hush-hush")
	require.NoError(t, err)
	return newRedactor(u)
}

func TestATransportErrorIsWordedForALog(t *testing.T) {
	us := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 41234}
	sink := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 9765}
	for _, test := range []struct {
		name  string
		cause error
		want  string
	}{
		{
			"without the URL, without our port",
			&net.OpError{Op: "read", Net: "tcp", Source: us, Addr: sink, Err: syscall.ECONNRESET},
			"read tcp 10.0.0.9:9765: connection reset by peer",
		},
		{
			"with the address of the sink",
			&net.OpError{Op: "dial", Net: "tcp", Addr: sink, Err: syscall.ECONNREFUSED},
			"dial tcp 10.0.0.9:9765: connection refused",
		},
		{"a secret after all", errors.New("bad token hush-hush"), "(left out: it repeats a secret that the sink is sent)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wrapped := &url.Error{Op: "Post", URL: "http://me:***@falco:9765/k8s-audit?token=hush-hush", Err: test.cause}
			f := sinkWithSecrets(t).noAnswer(wrapped)
			assert.Equal(t, test.want, f.reason)
			assert.Equal(t, "post to http://falco:9765/k8s-audit: "+test.want, f.Error())
			assert.ErrorIs(t, f, test.cause)
		})
	}
}

func TestAConnectionThatIsResetAgainAndAgainIsOneWarning(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { hijacked(t, w, "") })
	f := newFixture(t, nil, at(t, withCredentials(sink.URL), drop))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Contains(t, outcomes[0].Reason, "post to "+sink.URL+"/k8s-audit: ")
	warnings := 0
	for _, entry := range f.logs.AllEntries() {
		if entry.Message == sayRetry {
			warnings++
		}
	}
	assert.Equal(t, 1, warnings, outcomes[0].Reason)
	assert.Len(t, sink.got(), 6)
}
