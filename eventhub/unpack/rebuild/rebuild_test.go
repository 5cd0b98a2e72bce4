package rebuild

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// exec is the start of an event in the API server's order, from its URI on.
const exec = `{"requestURI":"/api/v1/namespaces/n/pods/p/exec?command=sh\u0026tty=true","verb":"create","user":{}`

func TestWhatTheCutTookIsRebuiltFromWhatStoodBeforeIt(t *testing.T) {
	const (
		reference  = `,"objectRef":{"resource":"pods","namespace":"n","name":"p","apiVersion":"v1","subresource":"exec"}`
		whole      = `,"objectRef":{"resource":"other"}`
		objectMark = `"aks-audit-log-go/rebuilt":"objectRef"`
		allowed    = `"authorization.k8s.io/decision":"allow","aks-audit-log-go/rebuilt":"authorization.k8s.io/decision"`
	)
	for name, test := range map[string]struct{ cut, want string }{
		"an object that is behind the cut": {
			exec + `,"sourceIPs":["1.2.3.4","5`, exec + `,"sourceIPs":["1.2.3.4"]` + reference + `,"annotations":{` + objectMark + `}}`,
		},
		"half of an object": {
			exec + `,"objectRef":{"resource":"pods","namespace":"n","name":"p","uid":"u","apiV`,
			exec + `,"objectRef":{"resource":"pods","namespace":"n","name":"p","uid":"u","apiVersion":"v1","subresource":"exec"}` +
				`,"annotations":{` + objectMark + `}}`,
		},
		"half of an object that has all":   {exec + reference[:len(reference)-1], exec + reference + `}`},
		"half of an object of another URI": {exec + `,"objectRef":{"resource":"secrets","name":"p`, exec + `,"objectRef":{"resource":"secrets"}}`},
		"half of an object that is none":   {exec + `,"objectRef":[`, exec + reference + `,"annotations":{` + objectMark + `}}`},
		"a whole object":                   {exec + whole + `,"k":"`, exec + whole + `}`},
		"a whole object that is empty":     {exec + `,"objectRef":{},"k":"`, exec + `,"objectRef":{}}`},
		"an object that is null":           {exec + `,"objectRef":null,"k":"`, exec + `,"objectRef":null}`},
		"an object with names that JSON escapes": {
			`{"requestURI":"/api/v1/pods/a%22%ff%3C","verb":"get","k":"`,
			`{"requestURI":"/api/v1/pods/a%22%ff%3C","verb":"get","objectRef":{"resource":"pods","name":"a\"\ufffd\u003c","apiVersion":"v1"}` +
				`,"annotations":{` + objectMark + `}}`,
		},
		"half of an object with a name that is no UTF-8": {
			`{"requestURI":"/api/v1/pods/%ff","verb":"get","objectRef":{"name":"\ufffd","k`,
			`{"requestURI":"/api/v1/pods/%ff","verb":"get","objectRef":{"name":"\ufffd","resource":"pods","apiVersion":"v1"}` +
				`,"annotations":{` + objectMark + `}}`,
		},
		"no object of half a URI": {`{"verb":"get","requestURI":"/api/v1/pods/p`, `{"verb":"get"}`},
		"no object without a URI": {`{"verb":"get","k":"`, `{"verb":"get"}`},
		"no object of a URI that is not of a resource": {
			`{"requestURI":"/healthz","verb":"get","k":"`, `{"requestURI":"/healthz","verb":"get"}`,
		},
		"no object of a URI in another member": {
			`{"verb":"get","requestObject":{"requestURI":"/api/v1/pods/p"},"k":"\"requestURI\":\"/api/v1/pods/p\"","l`,
			`{"verb":"get","requestObject":{"requestURI":"/api/v1/pods/p"},"k":"\"requestURI\":\"/api/v1/pods/p\""}`,
		},
		"no object of a URI that is no string": {`{"requestURI":["/api/v1/pods/p"],"verb":"get"`, `{"requestURI":["/api/v1/pods/p"],"verb":"get"}`},
		"the object of the first URI": {
			`{"requestURI":"/healthz","verb":"get","requestURI":"/api/v1/pods/p"`, `{"requestURI":"/healthz","verb":"get","requestURI":"/api/v1/pods/p"}`,
		},

		"the decision of a code that is whole": {
			exec + whole + `,"responseStatus":{"metadata":{},"code":201},"requestObject":{"a":"`,
			exec + whole + `,"responseStatus":{"metadata":{},"code":201},"requestObject":{},"annotations":{` + allowed + `}}`,
		},
		"the decision of an upgraded connection": {
			exec + whole + `,"responseStatus":{"code":101}`, exec + whole + `,"responseStatus":{"code":101},"annotations":{` + allowed + `}}`,
		},
		"the decision of half a status": {
			exec + whole + `,"responseStatus":{"code":200,"message":"`, exec + whole + `,"responseStatus":{"code":200},"annotations":{` + allowed + `}}`,
		},
		"the decision beside other annotations": {
			exec + whole + `,"responseStatus":{"code":200},"annotations":{"a":"b","c`,
			exec + whole + `,"responseStatus":{"code":200},"annotations":{"a":"b",` + allowed + `}}`,
		},
		"no decision of a code that may go on":     {exec + whole + `,"responseStatus":{"code":200`, exec + whole + `,"responseStatus":{}}`},
		"no decision of a refusal":                 {exec + whole + `,"responseStatus":{"code":403},"k`, exec + whole + `,"responseStatus":{"code":403}}`},
		"no decision of another code":              {exec + whole + `,"responseStatus":{"code":2000},"k`, exec + whole + `,"responseStatus":{"code":2000}}`},
		"no decision of a code in a string":        {exec + whole + `,"responseStatus":{"code":"200"},"k`, exec + whole + `,"responseStatus":{"code":"200"}}`},
		"no decision of a code that is deeper":     {exec + whole + `,"responseStatus":{"details":{"code":200}},"k`, exec + whole + `,"responseStatus":{"details":{"code":200}}}`},
		"no decision of a code in a body":          {exec + whole + `,"requestObject":{"responseStatus":{"code":200}},"k`, exec + whole + `,"requestObject":{"responseStatus":{"code":200}}}`},
		"no decision of a code in a message":       {exec + whole + `,"responseStatus":{"message":"\"code\":200,"},"k`, exec + whole + `,"responseStatus":{"message":"\"code\":200,"}}`},
		"no decision of the second of two codes":   {exec + whole + `,"responseStatus":{"code":403,"code":200},"k`, exec + whole + `,"responseStatus":{"code":403,"code":200}}`},
		"no decision beside annotations in whole":  {exec + whole + `,"responseStatus":{"code":200},"annotations":{"a":"b"},"k`, exec + whole + `,"responseStatus":{"code":200},"annotations":{"a":"b"}}`},
		"no decision in place of one that is told": {exec + whole + `,"responseStatus":{"code":200},"annotations":{"authorization.k8s.io/decision":"forbid","k`, exec + whole + `,"responseStatus":{"code":200},"annotations":{"authorization.k8s.io/decision":"forbid"}}`},

		"both": {
			exec + `,"responseStatus":{"code":101},"k`,
			exec + `,"responseStatus":{"code":101},"annotations":{"authorization.k8s.io/decision":"allow",` +
				`"aks-audit-log-go/rebuilt":"objectRef,authorization.k8s.io/decision"}` + reference + `}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cut, err := jsonscan.ScanObject([]byte(test.cut))
			require.ErrorIs(t, err, jsonscan.ErrCut)
			closed := cut.Closed()
			Missing(cut, closed)
			assert.JSONEq(t, test.want, string(closed.Text()))
			assert.Equal(t, len(test.want), len(closed.Text()), "no byte but the added ones: %s", closed.Text())
		})
	}
}
