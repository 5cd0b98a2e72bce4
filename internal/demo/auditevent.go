package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"time"
)

// The types below have the fields that AKS fills in a kube-audit record, and in an audit event at the Metadata level.
type (
	envelope struct {
		Records []auditRecord `json:"records"`
	}
	auditRecord struct {
		Category      string     `json:"category"`
		OperationName string     `json:"operationName"`
		Properties    properties `json:"properties"`
		ResourceID    string     `json:"resourceId"`
		Time          time.Time  `json:"time"`
	}
	properties struct {
		ContainerID string `json:"containerID"`
		Log         string `json:"log"`
		Pod         string `json:"pod"`
		Stream      string `json:"stream"`
	}
	auditEvent struct {
		Kind                     string         `json:"kind"`
		APIVersion               string         `json:"apiVersion"`
		Level                    string         `json:"level"`
		AuditID                  string         `json:"auditID"`
		Stage                    string         `json:"stage"`
		RequestURI               string         `json:"requestURI"`
		Verb                     string         `json:"verb"`
		User                     user           `json:"user"`
		SourceIPs                []string       `json:"sourceIPs"`
		UserAgent                string         `json:"userAgent"`
		ObjectRef                objectRef      `json:"objectRef"`
		ResponseStatus           responseStatus `json:"responseStatus"`
		RequestReceivedTimestamp time.Time      `json:"requestReceivedTimestamp"`
		StageTimestamp           time.Time      `json:"stageTimestamp"`
		Annotations              annotations    `json:"annotations"`
	}
	user struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	}
	objectRef struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace,omitempty"`
		Name        string `json:"name,omitempty"`
		APIVersion  string `json:"apiVersion"`
		Subresource string `json:"subresource,omitempty"`
	}
	responseStatus struct {
		Code int `json:"code"`
	}
	annotations struct {
		Decision string `json:"authorization.k8s.io/decision"`
		Reason   string `json:"authorization.k8s.io/reason"`
	}
)

// scene is a request that a user makes to the API server of a cluster.
type scene struct {
	verb, user, group, agent string
	object                   objectRef
	code                     int
}

// scenes returns mostly routine requests, and a few that a security team looks for.
func scenes() []scene {
	const nodes, accounts, people = "system:nodes", "system:serviceaccounts", "system:authenticated"
	lease := scene{"update", "system:node:aks-nodepool1-10000000-vmss000000", nodes, "kubelet/v1.34.2",
		objectRef{Resource: "leases", Namespace: "kube-node-lease", Name: "aks-nodepool1-10000000-vmss000000", APIVersion: "v1"}, 200}
	return []scene{
		lease, lease, lease,
		{"get", "aksService", "system:masters", "Go-http-client/2.0", objectRef{Resource: "nodes", Name: "aks-nodepool1-10000000-vmss000000", APIVersion: "v1"}, 200},
		{"list", "system:serviceaccount:kube-system:metrics-server", accounts, "metrics-server/v0.8.0", objectRef{Resource: "nodes", APIVersion: "v1"}, 200},
		{"watch", "system:serviceaccount:kube-system:coredns", accounts, "CoreDNS-1.12.1", objectRef{Resource: "endpointslices", APIVersion: "v1"}, 200},
		{"patch", "system:serviceaccount:kube-system:replicaset-controller", accounts, "kube-controller-manager/v1.34.2",
			objectRef{Resource: "pods", Namespace: "shop", Name: "cart-6d9f7c5b8-x2x9q", APIVersion: "v1", Subresource: "status"}, 200},
		{"create", "jo@contoso.example", people, "kubectl/v1.34.2", objectRef{Resource: "pods", Namespace: "shop", Name: "cart-6d9f7c5b8-x2x9q", APIVersion: "v1", Subresource: "exec"}, 101},
		{"get", "system:serviceaccount:shop:cart", accounts, "curl/8.14.1", objectRef{Resource: "secrets", Namespace: "kube-system", Name: "bootstrap-token-abcdef", APIVersion: "v1"}, 403},
		{"create", "jo@contoso.example", people, "kubectl/v1.34.2", objectRef{Resource: "clusterrolebindings", Name: "jo-admin", APIVersion: "v1"}, 201},
	}
}

// hubEvent returns the body of a hub event with count audit events, and their ids.
func hubEvent(count int, now time.Time) (body []byte, auditIDs []string) {
	var records envelope
	for range count {
		event := newAuditEvent(now)
		auditIDs = append(auditIDs, event.AuditID)
		records.Records = append(records.Records, wrap(event, now))
	}
	return encode(records), auditIDs
}

// newAuditEvent returns the audit event of a random scene.
func newAuditEvent(now time.Time) auditEvent {
	all := scenes()
	s := all[mathrand.IntN(len(all))] // #nosec G404 -- made-up events
	uri := "/api/v1/" + s.object.Resource
	if s.object.Namespace != "" {
		uri = "/api/v1/namespaces/" + s.object.Namespace + "/" + s.object.Resource
	}
	decision := "allow"
	if s.code == 403 {
		decision = "forbid"
	}
	return auditEvent{
		Kind: "Event", APIVersion: "audit.k8s.io/v1", Level: "Metadata", AuditID: newID(), Stage: "ResponseComplete",
		RequestURI: uri, Verb: s.verb, User: user{s.user, []string{s.group, "system:authenticated"}}, SourceIPs: []string{"10.240.0.4"},
		UserAgent: s.agent, ObjectRef: s.object, ResponseStatus: responseStatus{s.code},
		RequestReceivedTimestamp: now.Add(-3 * time.Millisecond), StageTimestamp: now, Annotations: annotations{Decision: decision},
	}
}

// wrap returns a record whose log is the audit event as text with a newline at the end.
func wrap(event auditEvent, now time.Time) auditRecord {
	return auditRecord{
		Category: "kube-audit", OperationName: "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
		ResourceID: "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/DEMO/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/DEMO",
		Time:       now,
		Properties: properties{Log: string(encode(event)) + "\n", Pod: "kube-apiserver-7d4c9f6b58-2xkqz", Stream: "stdout", ContainerID: "demo"},
	}
}

// encode returns value as JSON. It cannot fail, because JSON can represent all fields of the types above.
func encode(value any) []byte {
	encoded, _ := json.Marshal(value)
	return encoded
}

// newID returns a random UUID, like those of an API server.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // its documentation says that it never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
