package load

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

const (
	// Records is how many audit events a usual hub event of AKS holds.
	Records = 22
	// Bodies is how many different bodies a backlog consists of. A hub keeps each body once.
	Bodies = 64
)

// The sizes of usual audit events in bytes: many small ones, few large ones. Their mean is leastSize plus
// (mostSize-leastSize)/(sizePower+1), which is the size of the audit events in public samples of AKS.
const (
	leastSize = 525
	mostSize  = 2000
	sizePower = 3.5
)

// Shape says what the hub events of a backlog look like.
type Shape struct {
	// Records is how many records a hub event holds.
	Records int
	// Size is the size of each audit event in bytes. If it is 0, sizes differ, from 0.5 to 2 KB.
	Size int
	// Mixed says that every second record belongs to another category, which the daemon skips.
	Mixed bool
}

// AuditEvents returns how many of the records in a hub event are audit events.
func (s Shape) AuditEvents() int {
	if s.Mixed {
		return (s.Records + 1) / 2
	}
	return s.Records
}

// Bodies returns the bodies of a backlog. All calls return the same bytes.
func (s Shape) Bodies() [][]byte { return s.bodies(noStamp) }

type (
	envelope struct {
		Records []record `json:"records"`
	}
	// record has the fields, in the order, of a kube-audit record that AKS wrote.
	record struct {
		OperationName string     `json:"operationName"`
		Category      string     `json:"category"`
		CCPNamespace  string     `json:"ccpNamespace"`
		ResourceID    string     `json:"resourceId"`
		Properties    properties `json:"properties"`
		Time          string     `json:"time"`
		Cloud         string     `json:"Cloud"`
		Environment   string     `json:"Environment"`
		UnderlayClass string     `json:"UnderlayClass"`
		UnderlayName  string     `json:"UnderlayName"`
	}
	properties struct {
		Log    string `json:"log"`
		Stream string `json:"stream"`
		Pod    string `json:"pod"`
	}
)

func (s Shape) bodies(stamp string) [][]byte {
	bodies := make([][]byte, 0, Bodies)
	for b := range Bodies {
		all := envelope{}
		for r := range s.Records {
			all.Records = append(all.Records, s.record(b*s.Records+r, r, stamp))
		}
		body, _ := json.Marshal(all) // the types hold nothing that JSON lacks
		bodies = append(bodies, body)
	}
	return bodies
}

// record returns the n-th record of a backlog, which is the place-th of its hub event.
func (s Shape) record(n, place int, stamp string) record {
	if s.Mixed && place%2 == 1 {
		other := pick(n/2, otherCategories)
		return newRecord(other.category, other.pod, fmt.Sprintf(other.line, n%60, n, 1000+n%9000))
	}
	size := s.Size
	if size == 0 {
		size = usualSize(n)
	}
	return newRecord("kube-audit", "kube-apiserver-79599f95c7-qn557", auditEvent(n, size, stamp))
}

func newRecord(category, pod, log string) record {
	return record{
		OperationName: "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
		Category:      category,
		CCPNamespace:  "5eb120ce57f96500011bde2d",
		ResourceID: "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/BENCHMARK/" +
			"PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/BENCHMARK",
		Properties:    properties{Log: log + "\n", Stream: "stdout", Pod: pod},
		Time:          "2026-01-02T03:04:05.0000000Z",
		Cloud:         "AzureCloud",
		Environment:   "prod",
		UnderlayClass: "hcp-underlay",
		UnderlayName:  "hcp-underlay-westeurope-cx-104",
	}
}

// otherCategories are records that are no audit events, with a line of the log of that program.
var otherCategories = []struct{ category, pod, line string }{
	{"kube-scheduler", "kube-scheduler-6d5b8f7c9-x2x7p", `I0102 03:04:%02d.655912       1 schedule_one.go:252] "Successfully bound pod to node" ` +
		`pod="default/job-%d" node="aks-nodepool1-%d-vmss000001" evaluatedNodes=12 feasibleNodes=7`},
	{"cluster-autoscaler", "cluster-autoscaler-7b9c5d8f64-9kq2r", `I0102 03:04:%02d.655912       1 static_autoscaler.go:615] ` +
		`Scale down status: lastScaleUpTime=2026-01-02 02:11:%d lastScaleDownFailTime=2026-01-02 02:00:%d scaleDownForbidden=false`},
}

// randomNumbers returns the random numbers of the n-th audit event, the same ones each time.
func randomNumbers(n int) *rand.Rand { return rand.New(rand.NewPCG(1, uint64(n))) } //nolint:gosec // n counts from 0

// usualSize returns the size of the n-th audit event if sizes differ.
func usualSize(n int) int {
	return leastSize + int((mostSize-leastSize)*math.Pow(randomNumbers(n).Float64(), sizePower))
}

var (
	verbs    = []string{"get", "list", "watch", "update", "patch", "create", "delete"}
	accounts = []string{
		"resourcequota-controller", "generic-garbage-collector", "horizontal-pod-autoscaler", "metrics-server", "node-controller",
		"replicaset-controller", "deployment-controller", "coredns", "csi-azuredisk-node-sa", "ama-logs",
	}
	uris = []string{
		"/apis/metrics.k8s.io/v1beta1?timeout=%ds", "/api/v1/nodes?limit=%d", "/api/v1/namespaces/default/pods/job-%d",
		"/apis/apps/v1/namespaces/web/deployments/%d", "/api/v1/namespaces/kube-system/configmaps/%d",
		"/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/%d", "/apis/batch/v1/jobs?resourceVersion=%d",
	}
)

// pick returns one of the values, in turn.
func pick[T any](n int, values []T) T { return values[n%len(values)] }

// auditEvent is the n-th audit event of a backlog, of about this size. A small one has no reason, a large one has a
// request object.
func auditEvent(n, size int, stamp string) string {
	const reason = `,"authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole ` +
		`\"system:discovery\" to Group \"system:authenticated\""`
	rng := randomNumbers(n)
	account := accounts[rng.IntN(len(accounts))]
	head := fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",`+
		`"auditID":"%s-%015x","stage":"ResponseComplete","requestURI":"%s","verb":"%s",`+
		`"user":{"username":"system:serviceaccount:kube-system:%s","groups":["system:authenticated"]},`+
		`"sourceIPs":["172.31.%d.%d"],"userAgent":"kubernetes/v1.31.%d","responseStatus":{"metadata":{},"code":%d},`,
		stamp, rng.Uint64()>>4, fmt.Sprintf(uris[rng.IntN(len(uris))], rng.IntN(10_000)), verbs[rng.IntN(len(verbs))],
		account, rng.IntN(256), rng.IntN(256), rng.IntN(20), []int{200, 201, 404, 409}[rng.IntN(4)])
	tail := fmt.Sprintf(`"requestReceivedTimestamp":"2026-01-02T03:04:%02d.%06dZ","stageTimestamp":"2026-01-02T03:05:00.%06dZ",`+
		`"annotations":{"authorization.k8s.io/decision":"allow"`, rng.IntN(60), rng.IntN(1_000_000), rng.IntN(1_000_000))
	const end = `}}`
	if size >= len(head)+len(tail)+len(reason)+len(end) {
		tail += reason
	}
	return head + requestObject(rng, size-len(head)-len(tail)-len(end)) + tail + end
}

// requestObject is a field of about this size with as many quotes as other audit events have: each of them is escaped
// in a hub event. A size that is too small for the field gives none.
func requestObject(rng *rand.Rand, size int) string {
	const before, after = `"requestObject":{"env":[`, `]},`
	var text strings.Builder
	for text.Len() < size-len(before)-len(after)-40 {
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"name":"SERVICE_%05d","value":"https://service-%05d.benchmark.svc.cluster.local"}`, rng.IntN(100_000), rng.IntN(100_000))
	}
	if text.Len() == 0 {
		return ""
	}
	return before + text.String() + after
}
