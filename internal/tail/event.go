package tail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/internal/printable"
)

// place is where in the hub a record is.
type place struct {
	Partition string `json:"partition"`
	Sequence  int64  `json:"sequence_number"`
	Record    int    `json:"record"`
}

// event is an audit event for printing.
type event struct {
	// Time is the stageTimestamp, which is when the request got the response with Code. It is zero if it is not known.
	Time    time.Time `json:"time,omitzero"`
	Cluster string    `json:"cluster,omitempty"`
	User    string    `json:"user,omitempty"`
	// Impersonated is the user whom User impersonated (kubectl --as).
	Impersonated string `json:"impersonated_user,omitempty"`
	Verb         string `json:"verb,omitempty"`
	APIGroup     string `json:"api_group,omitempty"`
	Resource     string `json:"resource,omitempty"`
	Subresource  string `json:"subresource,omitempty"`
	Namespace    string `json:"namespace,omitempty"`
	Name         string `json:"name,omitempty"`
	// Path is the path of the request, without the query.
	Path string `json:"path,omitempty"`
	// Code is the status code of the response, or 0 if there is none.
	Code    int    `json:"code,omitempty"`
	Stage   string `json:"stage,omitempty"`
	AuditID string `json:"audit_id,omitempty"`
	place
	// Truncated is whether parts of the audit event are missing, because AKS cut it or because it is larger than the
	// sink takes.
	Truncated bool `json:"truncated,omitempty"`
	// Content is the audit event as the sink gets it.
	Content json.RawMessage `json:"event"`
}

// parsers are shared by all partitions.
var parsers fastjson.ParserPool

// readEvent reads the audit event of a record. If an object has a key twice, the first member counts, as in Falco's
// parser.
func readEvent(record *unpack.Record, at place) (*event, error) {
	parser := parsers.Get()
	defer parsers.Put(parser)
	value, err := parser.ParseBytes(record.Content)
	if err != nil {
		return nil, fmt.Errorf("partition %s, hub event %d: read the audit event: %w", at.Partition, at.Sequence, err)
	}
	text := func(path ...string) string { return string(value.GetStringBytes(path...)) }
	e := &event{
		Cluster: record.Cluster,
		User:    text("user", "username"), Impersonated: text("impersonatedUser", "username"),
		Verb:     text("verb"),
		APIGroup: text("objectRef", "apiGroup"), Resource: text("objectRef", "resource"), Subresource: text("objectRef", "subresource"),
		Namespace: text("objectRef", "namespace"), Name: text("objectRef", "name"),
		Code: value.GetInt("responseStatus", "code"), Stage: text("stage"), AuditID: text("auditID"),
		place: at, Truncated: record.Repaired || record.Original != nil, Content: record.Content,
	}
	e.Path, _, _ = strings.Cut(text("requestURI"), "?")
	if at, err := time.Parse(time.RFC3339, text("stageTimestamp")); err == nil {
		e.Time = at.UTC()
	}
	return e, nil
}

// users returns the names that are matched with Options.Users.
func (e *event) users() []string {
	if e.Impersonated == "" {
		return []string{e.User}
	}
	return []string{e.User, e.Impersonated}
}

// resources returns the names that are matched with Options.Resources.
func (e *event) resources() []string {
	if e.Resource == "" {
		return []string{e.Path}
	}
	names := []string{e.Resource}
	if e.APIGroup != "" {
		names = append(names, e.Resource+"."+e.APIGroup)
	}
	if e.Subresource != "" {
		for _, name := range names {
			names = append(names, name+"/"+e.Subresource)
		}
	}
	return names
}

// json returns the audit event as a line of JSON. It escapes the characters that could control a terminal; the JSON
// means the same.
func (e *event) json() ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, fmt.Errorf("partition %s, hub event %d: write the audit event: %w", e.Partition, e.Sequence, err)
	}
	return []byte(printable.Escape(line.String(), "\n")), nil
}
