// Package load makes what the benchmark runs on: hub events as AKS writes them, the EventLists that
// become of them, and the time of appending within each audit event, so that a sink can tell how
// long it was on its way.
package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Records is how many audit events a usual hub event of AKS holds.
const Records = 22

// An audit event's auditID has the length of a UUID. Behind stampMark stand the nanoseconds since
// 1970 of its appending, noStamp if nobody wants to know.
const (
	auditIDKey  = `"auditID":"`
	stampMark   = 't'
	stampDigits = 19
	noStamp     = "n0000000000000000000"
	someStamp   = "t0000000000000000000"
)

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

// HubEvent is the body of a hub event with so many audit events. All calls return the same bytes.
func HubEvent(records int) []byte { return hubEvent(records, noStamp) }

func hubEvent(records int, stamp string) []byte {
	all := envelope{}
	for n := range records {
		all.Records = append(all.Records, record{
			OperationName: "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
			Category:      "kube-audit",
			CCPNamespace:  "5eb120ce57f96500011bde2d",
			ResourceID: "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/BENCHMARK/" +
				"PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/BENCHMARK",
			Properties:    properties{Log: auditEvent(n, stamp) + "\n", Stream: "stdout", Pod: "kube-apiserver-79599f95c7-qn557"},
			Time:          "2026-01-02T03:04:05.0000000Z",
			Cloud:         "AzureCloud",
			Environment:   "prod",
			UnderlayClass: "hcp-underlay",
			UnderlayName:  "hcp-underlay-westeurope-cx-104",
		})
	}
	// The types above hold nothing that JSON lacks.
	body, _ := json.Marshal(all)
	return body
}

// auditEvent is the n-th of the audit events in a hub event, at the Metadata level.
func auditEvent(n int, stamp string) string {
	verbs := []string{"get", "list", "watch", "update", "patch"}
	accounts := []string{"resourcequota-controller", "generic-garbage-collector", "horizontal-pod-autoscaler", "metrics-server"}
	account := accounts[n%len(accounts)]
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",`+
		`"auditID":"%s-%015d","stage":"ResponseComplete","requestURI":"/apis/metrics.k8s.io/v1beta1?timeout=%ds",`+
		`"verb":"%s","user":{"username":"system:serviceaccount:kube-system:%[5]s","uid":"5760272d-4bf9-483b-a6c7-ceebcb04f487",`+
		`"groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]},`+
		`"sourceIPs":["172.31.16.64"],"userAgent":"hyperkube/v1.15.10 (linux/amd64) kubernetes/059c666/%[5]s",`+
		`"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-01-02T03:04:05.655912Z",`+
		`"stageTimestamp":"2026-01-02T03:04:05.663647Z","annotations":{"authorization.k8s.io/decision":"allow",`+
		`"authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole `+
		`\"system:discovery\" to Group \"system:authenticated\""}}`, stamp, n, 10+n, verbs[n%len(verbs)], account)
}

// EventList is what a Kubernetes API server would POST of so many of the audit events in HubEvent.
func EventList(events int) []byte {
	list := []byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`)
	for n := range events {
		if n > 0 {
			list = append(list, ',')
		}
		list = append(list, auditEvent(n%Records, noStamp)...)
	}
	return append(list, ']', '}')
}

// Stamped makes hub events which say in each audit event when they were appended.
type Stamped struct {
	body   []byte
	digits []int // where in body a time stands
}

// NewStamped prepares hub events of so many audit events.
func NewStamped(records int) *Stamped {
	s := &Stamped{body: hubEvent(records, someStamp)}
	key := []byte(`\"auditID\":\"` + string(stampMark))
	for from := 0; ; {
		i := bytes.Index(s.body[from:], key)
		if i < 0 {
			return s
		}
		from += i + len(key)
		s.digits = append(s.digits, from)
	}
}

// At is a hub event appended at this time.
func (s *Stamped) At(appended time.Time) []byte {
	body := bytes.Clone(s.body)
	stamp := strconv.FormatInt(appended.UnixNano(), 10)
	for _, at := range s.digits {
		copy(body[at:at+stampDigits], stamp)
	}
	return body
}

// Scan counts the audit events in the body of a POST and reports of each that carries a time how
// long it was on its way until now. It looks for the key of the auditID and parses nothing, so that
// the sink costs little beside what is measured.
func Scan(body []byte, now time.Time, wait func(time.Duration)) (events int) {
	key := []byte(auditIDKey)
	for {
		i := bytes.Index(body, key)
		if i < 0 {
			return events
		}
		events++
		body = body[i+len(key):]
		if len(body) <= stampDigits || body[0] != stampMark {
			continue
		}
		if appended, err := strconv.ParseInt(string(body[1:1+stampDigits]), 10, 64); err == nil {
			wait(now.Sub(time.Unix(0, appended)))
		}
	}
}
