package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// endpointOf returns only the Endpoint of a hub's connection string.
func endpointOf(connectionString string) string {
	endpoint, _, _ := strings.Cut(connectionString, ";")
	return endpoint
}

// hubSignature returns a shared access signature for the whole namespace, as a script makes it from a connection
// string (https://learn.microsoft.com/rest/api/eventhub/generate-sas-token).
func hubSignature(connectionString string, end time.Time) string {
	resource := strings.ToLower(url.QueryEscape("sb" + strings.TrimPrefix(endpointOf(connectionString), "Endpoint=sb")))
	mac := hmac.New(sha256.New, []byte(keyOf(connectionString)))
	_, _ = fmt.Fprintf(mac, "%s\n%d", resource, end.Unix())
	return fmt.Sprintf("SharedAccessSignature sr=%s&sig=%s&se=%d&skn=RootManageSharedAccessKey", resource,
		url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))), end.Unix())
}
