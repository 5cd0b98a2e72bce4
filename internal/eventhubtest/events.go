package eventhubtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var Noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func Ids(count int) []string {
	partitions := make([]string, count)
	for i := range partitions {
		partitions[i] = fmt.Sprint(i)
	}
	return partitions
}

const TestResource = "/SUBSCRIPTIONS/0000/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/MY-Cluster_1"

// ofCluster gives each record of a body the resourceId that AKS writes.
func OfCluster(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte(`{"category":`), []byte(`{"resourceId":"`+TestResource+`","category":`))
	return bytes.ReplaceAll(body, []byte(`{"properties":`), []byte(`{"resourceId":"`+TestResource+`","properties":`))
}

// oneEach returns hub events with one audit event each.
func OneEach(ids ...string) [][]byte {
	var bodies [][]byte
	for _, id := range ids {
		bodies = append(bodies, HubBody(AuditRecord("kube-audit", Audit(id))))
	}
	return bodies
}

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

// withRequest is an audit event with something as its requestObject.
func WithRequest(object string) string {
	return `{"kind":"Event","auditID":"a","stageTimestamp":"2026-01-31T12:00:00Z","requestObject":` + object + `}`
}

// nested is a scalar inside so many arrays.
func Nested(arrays int) string {
	return strings.Repeat("[", arrays) + "1" + strings.Repeat("]", arrays)
}

// tooLarge is a sound audit event of which a string in one member is larger than Falco takes.
func TooLarge(key string) string {
	padding := `"` + strings.Repeat("x", TestMaxEventSize) + `"`
	return strings.Replace(Audit("a"), `"verb"`, `"`+key+`":`+padding+`,"verb"`, 1)
}

// testMaxEventSize is Falco's own limit, the default of SINKMAXEVENTSIZE.
const TestMaxEventSize = 262_144

// bothCategories are the default of CATEGORIES.
var BothCategories = []string{"kube-audit", "kube-audit-admin"}

// audit returns a small sound audit event; the id tells one from another.
func Audit(id string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"` + id +
		`","stage":"ResponseComplete","verb":"get","user":{"username":"masterclient"},"stageTimestamp":"2026-01-31T12:00:00.123456Z"}`
}

// auditRecord wraps a log as AKS does.
func AuditRecord(category, log string) string {
	quoted, err := json.Marshal(log)
	if err != nil {
		panic(err) // a string always has JSON
	}
	return `{"category":"` + category + `","operationName":"Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",` +
		`"properties":{"log":` + string(quoted) + `,"stream":"stdout","pod":"kube-apiserver-0"},"time":"2026-01-31T12:00:00.1Z"}`
}

// uncategorised wraps a log without saying of which category it is.
func Uncategorised(log string) string {
	return strings.Replace(AuditRecord("", log), `"category":"",`, "", 1)
}

// hubBody puts records into the envelope of a hub event.
func HubBody(records ...string) []byte {
	return []byte(`{"records":[` + strings.Join(records, ",") + `]}`)
}
