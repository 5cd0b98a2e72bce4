package connstr

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestASignatureTellsWhenItExpires(t *testing.T) {
	want := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, want, HubConnection{SAS: "SharedAccessSignature sr=sb%3a%2f%2fns&sig=a%3d&se=1795824000&skn=k"}.SignatureEnds())
	for _, end := range []string{"2026-11-28", "2026-11-28T00%3A00Z", "2026-11-28T00:00:00Z", "2026-11-28T00%3A00%3A00.0000000Z"} {
		assert.Equal(t, want, BlobConnection{SAS: Secret("sv=2024-11-04&se=" + end + "&sig=x%3D")}.SignatureEnds(), end)
	}
	for _, none := range []Secret{"", "SharedAccessSignature sr=a&sig=b", "sv=2024-11-04&si=policy&sig=x", "se=soon", "se=%"} {
		assert.Zero(t, HubConnection{SAS: none}.SignatureEnds())
		assert.Zero(t, BlobConnection{SAS: none}.SignatureEnds())
	}
}
