package harness

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"

	"aks-audit-log-go/eventhub/unpack/requestinfo"
)

// extractRequest requests one text field from the plugin, as Falco does for each field of a rule.
type extractRequest struct {
	name  string
	value any
}

var _ sdk.ExtractRequest = (*extractRequest)(nil)

// FieldID implements sdk.ExtractRequest.
func (f *extractRequest) FieldID() uint64 { return 0 }

// FieldType implements sdk.ExtractRequest.
func (f *extractRequest) FieldType() uint32 { return sdk.FieldTypeCharBuf }

// Field implements sdk.ExtractRequest.
func (f *extractRequest) Field() string { return f.name }

// ArgKey implements sdk.ExtractRequest.
func (f *extractRequest) ArgKey() string { return "" }

// ArgIndex implements sdk.ExtractRequest.
func (f *extractRequest) ArgIndex() uint64 { return 0 }

// ArgPresent implements sdk.ExtractRequest.
func (f *extractRequest) ArgPresent() bool { return false }

// IsList implements sdk.ExtractRequest.
func (f *extractRequest) IsList() bool { return false }

// SetValue implements sdk.ExtractRequest.
func (f *extractRequest) SetValue(value any) { f.value = value }

// SetPtr implements sdk.ExtractRequest.
func (f *extractRequest) SetPtr(unsafe.Pointer) {}

// FalcoField returns the value that a Falco rule gets for a field of an audit event, or nil if the event does not have
// the field.
func FalcoField(t *testing.T, auditEvent, name string) any {
	t.Helper()
	value, err := fastjson.Parse(auditEvent)
	require.NoError(t, err)
	request := &extractRequest{name: name}
	err = (&k8saudit.Plugin{}).ExtractFromJSON(request, value)
	if errors.Is(err, k8saudit.ErrExtractNotAvailable) {
		return nil
	}
	require.NoError(t, err, name)
	return request.value
}

// ObjectOfURI returns the fields of an audit event's object that follow from its URI and its verb, by the names in
// Falco's rules. The test of e2e/requestinfo compares them with the API server's own code.
func ObjectOfURI(t *testing.T, auditEvent string) map[string]any {
	t.Helper()
	value, err := fastjson.Parse(auditEvent)
	require.NoError(t, err)
	object, _ := requestinfo.Read(string(value.GetStringBytes("verb")), string(value.GetStringBytes("requestURI")))
	fields := map[string]any{}
	for name, content := range map[string]string{
		"ka.target.resource": object.Resource, "ka.target.subresource": object.Subresource,
		"ka.target.namespace": object.Namespace, "ka.target.name": object.Name,
	} {
		if content != "" {
			fields[name] = content
		}
	}
	return fields
}
