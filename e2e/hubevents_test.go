package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// record is one record of a hub event as AKS writes it.
type record struct {
	Category   string         `json:"category,omitempty"`
	Operation  string         `json:"operationName,omitempty"`
	ResourceID string         `json:"resourceId,omitempty"`
	Time       string         `json:"time,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
}

// recordOf puts a log into the envelope of a diagnostic setting; AKS ends each with a newline.
func recordOf(category, log string) record {
	return record{
		Category:   category,
		Operation:  "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
		ResourceID: "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/C",
		Time:       "2026-01-02T03:04:05.678901234Z",
		Properties: map[string]any{"log": log + "\n", "stream": "stdout", "pod": "kube-apiserver-0"},
	}
}

// hubEvent is the body of a hub event with these records.
func hubEvent(t *testing.T, records ...record) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"records": records})
	require.NoError(t, err)
	return body
}

// auditHubEvent is the body of a hub event with one record for each audit event.
func auditHubEvent(t *testing.T, auditEvents ...string) []byte {
	t.Helper()
	var records []record
	for _, event := range auditEvents {
		records = append(records, recordOf("kube-audit", event))
	}
	return hubEvent(t, records...)
}

// auditEvent makes up the n-th audit event of a partition. Its auditID says which it is. It
// has no white space between its tokens, so Falco's plugin hands it on as it is.
func auditEvent(partition string, n int) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse",`+
		`"auditID":"%s","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/default/pods?limit=500&n=%d",`+
		`"verb":"create","user":{"username":"jörg@example.com","groups":["system:authenticated","<none>"]},`+
		`"sourceIPs":["172.31.16.64"],"objectRef":{"resource":"pods","namespace":"default","name":"p-%d"},`+
		`"responseStatus":{"metadata":{},"code":201},"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z",`+
		`"stageTimestamp":"2026-01-02T03:04:05.678901Z","annotations":{"authorization.k8s.io/reason":"by \"admin\""}}`,
		auditID(partition, n), n, n)
}

func auditID(partition string, n int) string {
	return fmt.Sprintf("0000%04s-0000-4000-8000-%012d", partition, n)
}

// partitionOf reads back from an audit event's auditID to which partition it was appended.
func partitionOf(t *testing.T, auditEvent string) string {
	t.Helper()
	var event struct {
		AuditID string `json:"auditID"`
	}
	require.NoError(t, json.Unmarshal([]byte(auditEvent), &event))
	require.GreaterOrEqual(t, len(event.AuditID), 8)
	return strings.TrimLeft(event.AuditID[:7], "0") + event.AuditID[7:8]
}
