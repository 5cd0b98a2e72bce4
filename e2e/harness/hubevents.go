package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// KlogLine is a log line of the categories that have no audit events.
const KlogLine = `I0109 21:24:54.123456       1 controller.go:123] "Starting" controller="x"`

// Record is a record of a hub event in AKS's format.
type Record struct {
	Category   string         `json:"category,omitempty"`
	Operation  string         `json:"operationName,omitempty"`
	ResourceID string         `json:"resourceId,omitempty"`
	Time       string         `json:"time,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
}

// RecordOf returns a record with a log. AKS ends each log with a newline.
func RecordOf(category, log string) Record {
	return Record{
		Category:   category,
		Operation:  "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
		ResourceID: "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/C",
		Time:       "2026-01-02T03:04:05.678901234Z",
		Properties: map[string]any{"log": log + "\n", "stream": "stdout", "pod": "kube-apiserver-0"},
	}
}

// HubEvent returns the body of a hub event with these records.
func HubEvent(t *testing.T, records ...Record) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"records": records})
	require.NoError(t, err)
	return body
}

// AuditHubEvent returns the body of a hub event with one record for each audit event.
func AuditHubEvent(t *testing.T, auditEvents ...string) []byte {
	t.Helper()
	var records []Record
	for _, event := range auditEvents {
		records = append(records, RecordOf("kube-audit", event))
	}
	return HubEvent(t, records...)
}

// AuditEvent returns a made-up audit event, the n-th of a partition. Its auditID has both numbers. It has no white
// space between tokens, so that Falco's plugin passes it on unchanged.
func AuditEvent(partition string, n int) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse",`+
		`"auditID":"%s","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/default/pods?limit=500&n=%d",`+
		`"verb":"create","user":{"username":"jörg@example.com","groups":["system:authenticated","<none>"]},`+
		`"sourceIPs":["172.31.16.64"],"objectRef":{"resource":"pods","namespace":"default","name":"p-%d"},`+
		`"responseStatus":{"metadata":{},"code":201},"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z",`+
		`"stageTimestamp":"2026-01-02T03:04:05.678901Z","annotations":{"authorization.k8s.io/reason":"by \"admin\""}}`,
		AuditID(partition, n), n, n)
}

// AuditID returns the auditID of the n-th audit event of a partition.
func AuditID(partition string, n int) string {
	return fmt.Sprintf("0000%04s-0000-4000-8000-%012d", partition, n)
}

// partitionOf returns the partition in an audit event's auditID.
func partitionOf(t *testing.T, auditEvent string) string {
	t.Helper()
	var event struct {
		AuditID string `json:"auditID"`
	}
	require.NoError(t, json.Unmarshal([]byte(auditEvent), &event))
	require.GreaterOrEqual(t, len(event.AuditID), 8)
	return strings.TrimLeft(event.AuditID[:7], "0") + event.AuditID[7:8]
}

// RawAuditHubEvent returns the body of a hub event with one record for each log. Unlike AuditHubEvent, it keeps bytes
// that are not UTF-8, as AKS does, for example a character of which a cut has left a part.
func RawAuditHubEvent(logs ...string) []byte {
	var body bytes.Buffer
	body.WriteString(`{"records":[`)
	for n, log := range logs {
		if n > 0 {
			body.WriteString(",")
		}
		body.WriteString(`{"category":"kube-audit","operationName":"Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",` +
			`"properties":{"log":"`)
		for _, c := range []byte(log) {
			switch {
			case c == '"' || c == '\\':
				body.Write([]byte{'\\', c})
			case c < ' ':
				fmt.Fprintf(&body, `\u%04x`, c)
			default:
				body.WriteByte(c)
			}
		}
		body.WriteString(`\n","stream":"stdout"},"time":"2026-01-02T03:04:05.678901234Z"}`)
	}
	body.WriteString("]}")
	return body.Bytes()
}
