package eventhubtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
)

// Signature returns a shared access signature for the emulator's hub, as `az eventhubs` or a script makes it
// (https://learn.microsoft.com/rest/api/eventhub/generate-sas-token).
func Signature(t *testing.T, server *hubtest.Server, end time.Time) string {
	t.Helper()
	connection := EmulatorConfig(t, server, forwarder.ClientAzEventHubs).HubConnection
	resource := strings.ToLower(url.QueryEscape("amqps://" + connection.Host + "/" + server.HubName()))
	mac := hmac.New(sha256.New, []byte(connection.Key.Reveal()))
	_, _ = fmt.Fprintf(mac, "%s\n%d", resource, end.Unix())
	return fmt.Sprintf("SharedAccessSignature sr=%s&sig=%s&se=%d&skn=%s", resource,
		url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))), end.Unix(), connection.KeyName)
}
