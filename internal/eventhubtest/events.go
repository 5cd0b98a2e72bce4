package eventhubtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Noon is when the first event of a Hub's partition was enqueued.
var Noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// MaxEventSize is Falco's own limit in bytes, which is the default of SINKMAXEVENTSIZE.
const MaxEventSize = 262_144

// ResourceID is a resourceId in AKS's spelling.
const ResourceID = "/SUBSCRIPTIONS/0000/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/MY-Cluster_1"

// BothCategories is the default of CATEGORIES.
var BothCategories = []string{"kube-audit", "kube-audit-admin"}

// HubBody returns the body of a hub event with these records.
func HubBody(records ...string) []byte {
	return []byte(`{"records":[` + strings.Join(records, ",") + `]}`)
}

// KubeAudit returns the body of a hub event with a record of category kube-audit for each log.
func KubeAudit(logs ...string) []byte {
	var records []string
	for _, log := range logs {
		records = append(records, AuditRecord("kube-audit", log))
	}
	return HubBody(records...)
}

// Together returns the body of a hub event with an audit event for each id.
func Together(ids ...string) []byte {
	var logs []string
	for _, id := range ids {
		logs = append(logs, Audit(id))
	}
	return KubeAudit(logs...)
}

// OneEach returns the bodies of hub events with one audit event each.
func OneEach(ids ...string) [][]byte {
	var bodies [][]byte
	for _, id := range ids {
		bodies = append(bodies, Together(id))
	}
	return bodies
}

// OfCluster gives each record of a body a resourceId as AKS writes it.
func OfCluster(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte(`{"category":`), []byte(`{"resourceId":"`+ResourceID+`","category":`))
	return bytes.ReplaceAll(body, []byte(`{"properties":`), []byte(`{"resourceId":"`+ResourceID+`","properties":`))
}

// Gzipped returns the bodies compressed with gzip, each as a member of its own.
func Gzipped(t *testing.T, bodies ...[]byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	for _, body := range bodies {
		writer := gzip.NewWriter(&packed)
		_, err := writer.Write(body)
		require.NoError(t, err)
		require.NoError(t, writer.Close())
	}
	return packed.Bytes()
}

// AuditRecord returns a record with this log as AKS writes it.
func AuditRecord(category, log string) string {
	quoted, err := json.Marshal(log)
	if err != nil {
		panic(err) // every string can be encoded
	}
	return `{"category":"` + category + `","operationName":"Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",` +
		`"properties":{"log":` + string(quoted) + `,"stream":"stdout","pod":"kube-apiserver-0"},"time":"2026-01-31T12:00:00.1Z"}`
}

// Uncategorised returns a record with this log and without a category.
func Uncategorised(log string) string {
	return strings.Replace(AuditRecord("", log), `"category":"",`, "", 1)
}

// Audit returns a small valid audit event with this audit id.
func Audit(id string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"` + id +
		`","stage":"ResponseComplete","verb":"get","user":{"username":"masterclient"},"stageTimestamp":"2026-01-31T12:00:00.123456Z"}`
}

// WithRequest returns an audit event with this requestObject.
func WithRequest(object string) string {
	return `{"kind":"Event","auditID":"a","stageTimestamp":"2026-01-31T12:00:00Z","requestObject":` + object + `}`
}

// Nested returns a number inside this many arrays.
func Nested(arrays int) string {
	return strings.Repeat("[", arrays) + "1" + strings.Repeat("]", arrays)
}

// TooLarge returns a valid audit event that has a string of MaxEventSize under a key, so that Falco does not accept
// it.
func TooLarge(key string) string {
	padding := `"` + strings.Repeat("x", MaxEventSize) + `"`
	return strings.Replace(Audit("a"), `"verb"`, `"`+key+`":`+padding+`,"verb"`, 1)
}
