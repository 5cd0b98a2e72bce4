package e2e

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// field asks the plugin for one text field, as Falco does for each that a rule names.
type field struct {
	name  string
	value any
}

var _ sdk.ExtractRequest = (*field)(nil)

func (f *field) FieldID() uint64       { return 0 }
func (f *field) FieldType() uint32     { return sdk.FieldTypeCharBuf }
func (f *field) Field() string         { return f.name }
func (f *field) ArgKey() string        { return "" }
func (f *field) ArgIndex() uint64      { return 0 }
func (f *field) ArgPresent() bool      { return false }
func (f *field) IsList() bool          { return false }
func (f *field) SetValue(value any)    { f.value = value }
func (f *field) SetPtr(unsafe.Pointer) {}

// falcoField is what a rule of Falco's would see in a field of an audit event, nil where the event
// has no such thing.
func falcoField(t *testing.T, auditEvent, name string) any {
	t.Helper()
	value, err := fastjson.Parse(auditEvent)
	require.NoError(t, err)
	asked := &field{name: name}
	err = (&k8saudit.Plugin{}).ExtractFromJSON(asked, value)
	if errors.Is(err, k8saudit.ErrExtractNotAvailable) {
		return nil
	}
	require.NoError(t, err, name)
	return asked.value
}
