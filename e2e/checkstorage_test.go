package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// sasWith returns a storage connection string with a signature that has only these permissions.
func sasWith(t *testing.T, permissions azblob.AccountSASPermissions) harness.Settings {
	t.Helper()
	return sasUntil(t, permissions, time.Now().Add(time.Hour))
}

// sasUntil is sasWith for a signature that expires at end.
func sasUntil(t *testing.T, permissions azblob.AccountSASPermissions, end time.Time) harness.Settings {
	t.Helper()
	credential, err := azblob.NewSharedKeyCredential(harness.StorageAccount, harness.SharedAzurite(t).Key)
	require.NoError(t, err)
	parameters, err := azblob.AccountSASSignatureValues{
		Protocol:      azblob.SASProtocolHTTPSandHTTP,
		ExpiryTime:    end,
		Permissions:   permissions.String(),
		Services:      azblob.AccountSASServices{Blob: true}.String(),
		ResourceTypes: azblob.AccountSASResourceTypes{Service: true, Container: true, Object: true}.String(),
	}.NewSASQueryParameters(credential)
	require.NoError(t, err)
	return harness.Settings{"BLOBSTORAGECONNECTIONSTRING": "BlobEndpoint=" + harness.SharedAzurite(t).Endpoint + ";SharedAccessSignature=" + parameters.Encode()}
}

func TestCheckSaysWhatToDoAboutTheStorage(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	const role = `it needs the role "Storage Blob Data Contributor"`
	store := []string{"checkpoints"}
	letters := []string{"dead letters"}
	nowhere := strings.Replace(harness.SharedAzurite(t).ConnectionString(), harness.SharedAzurite(t).Endpoint, "http://"+harness.FreeAddress(t)+"/"+harness.StorageAccount, 1)
	for name, test := range map[string]struct {
		change         harness.Settings
		wrong, untried []string
		advice         string
	}{
		"wrong key":             {harness.Settings{"BLOBSTORAGECONNECTIONSTRING": wrongKey(harness.SharedAzurite(t).ConnectionString())}, store, letters, "the key is wrong"},
		"nothing listens there": {harness.Settings{"BLOBSTORAGECONNECTIONSTRING": nowhere}, store, append(letters, "clock"), "cannot be reached"},
		"not writable":          {sasWith(t, azblob.AccountSASPermissions{Read: true, List: true}), store, letters, role},
		"not readable":          {sasWith(t, azblob.AccountSASPermissions{Write: true, Delete: true}), store, letters, role},
		"nothing may be deleted": {
			sasWith(t, azblob.AccountSASPermissions{Read: true, Write: true, List: true, Create: true}), letters, nil, "they can be stored, but not deleted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := harness.BlobSettings(t, hub, harness.NewEmptyBlobs(t), s.URL).With(test.change)
			code, lines := runCheck(t, environ)
			assert.Equal(t, 1, code)
			assertMarks(t, lines, test.wrong, test.untried)
			assert.Contains(t, lines[test.wrong[0]], test.advice)
			signed, err := url.ParseQuery(environ["BLOBSTORAGECONNECTIONSTRING"])
			if secret := signed.Get("sig"); err == nil && secret != "" {
				assert.NotContains(t, strings.Join(values(lines), ""), secret)
			}
		})
	}
}

func values(lines map[string]string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, line)
	}
	return all
}

func TestCheckNoticesAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	hub, s, c, p := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t), harness.StartStorageProxy(t)
	environ := harness.BlobSettings(t, hub, c, s.URL).With(p.Settings(t))
	for skew, said := range map[time.Duration]string{20 * time.Minute: "20m0s behind", -20 * time.Minute: "20m0s ahead of"} {
		p.SetFault(redated(t, skew))
		code, lines := runCheck(t, environ)
		assert.Equal(t, 1, code)
		assertMarks(t, lines, []string{"clock"}, nil)
		assert.Regexp(t, strings.Replace(said, "20m0s", `(20m0s|20m1s|19m59s|19m58s)`, 1), lines["clock"])
	}
}

// redated starts a proxy in front of Azurite that shifts the Date of the answers by an offset.
func redated(t *testing.T, by time.Duration) harness.StorageFault {
	t.Helper()
	do := harness.ForwardToAzurite(t)
	return func(w http.ResponseWriter, r *http.Request) bool {
		answer, err := do(r)
		if err != nil {
			return harness.ServerBusy(w, r)
		}
		defer func() { _ = answer.Body.Close() }()
		for name, value := range answer.Header {
			w.Header()[name] = value
		}
		w.Header().Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
		return true
	}
}

// A storage that accepts each write, whatever its condition, would give a partition to two replicas.
func TestCheckNoticesAStorageThatHeedsNoConditions(t *testing.T) {
	t.Parallel()
	hub, s, c, p := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t), harness.StartStorageProxy(t)
	p.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("If-Match")
		return false
	})
	environ := harness.BlobSettings(t, hub, c, s.URL).With(sasThrough(t, p))
	code, lines := runCheck(t, environ)
	assert.Equal(t, 1, code)
	assertMarks(t, lines, []string{"checkpoints"}, []string{"dead letters"})
	assert.Contains(t, lines["checkpoints"], "ignores conditions")
	assert.Empty(t, c.Metadata(t), "the probe was deleted all the same")
}

// sasThrough returns a connection string with a signature for the storage behind p. With a signature instead of a key,
// a proxy may change the requests.
func sasThrough(t *testing.T, p *harness.StorageProxy) harness.Settings {
	t.Helper()
	s := sasWith(t, azblob.AccountSASPermissions{Read: true, Write: true, Delete: true, List: true, Create: true})
	return harness.Settings{"BLOBSTORAGECONNECTIONSTRING": strings.Replace(s["BLOBSTORAGECONNECTIONSTRING"], harness.SharedAzurite(t).Endpoint, p.URL+"/"+harness.StorageAccount, 1)}
}
