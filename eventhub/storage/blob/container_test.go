package blob

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/connstr"
)

// In Azure, the address of an account is a host without a path. The addresses of emulators have a path.
func TestAContainerIsFoundWithAndWithoutAPathBeforeIt(t *testing.T) {
	for path, want := range map[string]string{"": "/checkpoints", "/devstoreaccount1": "/devstoreaccount1/checkpoints"} {
		asked := ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Path
			emptyListing(w, r)
		}))
		defer server.Close()
		c, err := openContainer(connstr.BlobConnection{ServiceURL: server.URL + path, AccountName: "a", AccountKey: "a2V5"}, "checkpoints", nil)
		require.NoError(t, err)
		defer c.close()
		_, _, err = c.listOrCreate(t.Context(), "a/")
		require.NoError(t, err)
		assert.Equal(t, want, asked)
	}
}
