package testalert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"aks-audit-log-go/forwarder"
)

const (
	// name is the name of the binding, of its subject, and of the user in the test event.
	name = "aks-audit-log-go-test"
	// username is the user of the test event. With rule_matching: first, which is Falco's default, an event raises
	// only the alert of the first rule that matches. For each user that allowed_k8s_users does not list, that is
	// "Disallowed K8s User", unless the name of the user begins with "system:". Therefore the user is a service
	// account, which does not exist.
	username = "system:serviceaccount:default:" + name
	// annotation marks the test event. It has a prefix, like the annotations of the API server.
	annotation = "aks-audit-log-go/test"
)

// microTime is a time in the API server's format, metav1.MicroTime.
type microTime time.Time

// MarshalJSON implements json.Marshaler.
func (t microTime) MarshalJSON() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

// event is an audit event with its fields in the API server's order (audit.k8s.io/v1,
// https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/). It says that a service account bound itself to
// cluster-admin.
type event struct {
	Kind           string            `json:"kind"`
	APIVersion     string            `json:"apiVersion"`
	Level          string            `json:"level"`
	AuditID        string            `json:"auditID"`
	Stage          string            `json:"stage"`
	RequestURI     string            `json:"requestURI"`
	Verb           string            `json:"verb"`
	User           user              `json:"user"`
	SourceIPs      []string          `json:"sourceIPs"`
	UserAgent      string            `json:"userAgent"`
	ObjectRef      objectRef         `json:"objectRef"`
	ResponseStatus responseStatus    `json:"responseStatus"`
	RequestObject  binding           `json:"requestObject"`
	ResponseObject binding           `json:"responseObject"`
	Received       microTime         `json:"requestReceivedTimestamp"`
	StageTime      microTime         `json:"stageTimestamp"`
	Annotations    map[string]string `json:"annotations"`
}

type user struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

type objectRef struct {
	Resource   string `json:"resource"`
	Name       string `json:"name"`
	APIGroup   string `json:"apiGroup"`
	APIVersion string `json:"apiVersion"`
}

type responseStatus struct {
	Metadata struct{} `json:"metadata"`
	Code     int      `json:"code"`
}

type binding struct {
	Kind       string    `json:"kind"`
	APIVersion string    `json:"apiVersion"`
	Metadata   metadata  `json:"metadata"`
	Subjects   []subject `json:"subjects"`
	RoleRef    roleRef   `json:"roleRef"`
}

type metadata struct {
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
	// Created is the text of a metav1.Time, or nil.
	Created *string `json:"creationTimestamp"`
}

type subject struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type roleRef struct {
	APIGroup string `json:"apiGroup"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
}

// newEvent returns a test event with a new auditID, for a request at the time now.
func newEvent(now time.Time) event {
	const (
		group = "rbac.authorization.k8s.io"
		took  = 5 * time.Millisecond
	)
	requested := binding{
		Kind: "ClusterRoleBinding", APIVersion: group + "/v1",
		Metadata: metadata{Name: name},
		Subjects: []subject{{Kind: "ServiceAccount", Name: name, Namespace: "default"}},
		RoleRef:  roleRef{APIGroup: group, Kind: "ClusterRole", Name: "cluster-admin"},
	}
	made := requested
	made.Metadata.UID, made.Metadata.Created = uuid.NewString(), new(now.UTC().Format(time.RFC3339))
	return event{
		Kind: "Event", APIVersion: "audit.k8s.io/v1", Level: "RequestResponse",
		AuditID: uuid.NewString(), Stage: "ResponseComplete",
		RequestURI: "/apis/" + group + "/v1/clusterrolebindings", Verb: "create",
		User: user{
			Username: username,
			Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"},
		},
		SourceIPs:      []string{"127.0.0.1"},
		UserAgent:      "aks-audit-log-go/" + forwarder.Version + " test-alert (synthetic: nobody sent this request)",
		ObjectRef:      objectRef{Resource: "clusterrolebindings", Name: name, APIGroup: group, APIVersion: "v1"},
		ResponseStatus: responseStatus{Code: 201},
		RequestObject:  requested, ResponseObject: made,
		Received: microTime(now.Add(-took)), StageTime: microTime(now),
		Annotations: map[string]string{
			annotation:                      "synthetic: aks-audit-log-go test-alert made this event, nothing was bound",
			"authorization.k8s.io/decision": "allow",
			"authorization.k8s.io/reason":   "",
		},
	}
}

// json returns the event as the sink gets it.
func (e event) json() ([]byte, error) { return plainJSON(e) }

// alert returns the output of the alert. Falco prints the subjects as the event has them.
func (e event) alert() string {
	subjects, _ := plainJSON(e.RequestObject.Subjects) // it has only strings
	return fmt.Sprintf(output, e.User.Username, subjects)
}

// plainJSON returns JSON on one line. Like the API server, it does not escape <, > and &.
func plainJSON(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("write the test event: %w", err)
	}
	return bytes.TrimSpace(text.Bytes()), nil
}
