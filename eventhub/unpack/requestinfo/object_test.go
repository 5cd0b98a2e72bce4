package requestinfo

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The tests in e2e/requestinfo compare Read with the API server's own code, for many more requests.
func TestTheURIAndTheVerbTellTheObject(t *testing.T) {
	for request, want := range map[[2]string]Object{
		{"create", "/api/v1/namespaces/n/pods/p/exec?command=sh"}: {Resource: "pods", Namespace: "n", Name: "p", APIVersion: "v1", Subresource: "exec"},
		{"create", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"}: {
			Resource: "clusterrolebindings", APIGroup: "rbac.authorization.k8s.io", APIVersion: "v1",
		},
		{"patch", "/apis/apps/v1/namespaces/n/deployments/d/scale"}: {
			Resource: "deployments", Namespace: "n", Name: "d", APIGroup: "apps", APIVersion: "v1", Subresource: "scale",
		},
		{"get", "/api/v1/namespaces/n"}:                                           {Resource: "namespaces", Namespace: "n", Name: "n", APIVersion: "v1"},
		{"update", "/api/v1/namespaces/n/finalize"}:                               {Resource: "namespaces", Namespace: "n", Name: "n", APIVersion: "v1", Subresource: "finalize"},
		{"list", "/api/v1/secrets?limit=500"}:                                     {Resource: "secrets", APIVersion: "v1"},
		{"list", "/api/v1/secrets?fieldSelector=metadata.name%3Ds"}:               {Resource: "secrets", Name: "s", APIVersion: "v1"},
		{"watch", `/api/v1/secrets?fieldSelector=a!%3Db,metadata.name%3D%3Dc\,d`}: {Resource: "secrets", Name: "c,d", APIVersion: "v1"},
		{"list", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&limit=x"}:       {Resource: "secrets", APIVersion: "v1"},
		{"list", "/api/v1/secrets?fieldSelector=metadata.name%3Ds,x"}:             {Resource: "secrets", APIVersion: "v1"},
		{"list", `/api/v1/secrets?fieldSelector=metadata.name%3Da\b`}:             {Resource: "secrets", APIVersion: "v1"},
		{"list", `/api/v1/secrets?fieldSelector=metadata.name%3Da%3Db`}:           {Resource: "secrets", APIVersion: "v1"},
		{"list", "/api/v1/secrets?fieldSelector=metadata.name%3Da%2Fb"}:           {Resource: "secrets", APIVersion: "v1"},
		{"list", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&labelSelector=a"}: {
			Resource: "secrets", APIVersion: "v1", // the label selector may be invalid
		},
		{"deletecollection", "/api/v1/secrets?fieldSelector=metadata.name%3Ds"}: {Resource: "secrets", APIVersion: "v1"},
		{"watch", "/api/v1/watch/namespaces/n/pods/p"}:                          {Resource: "pods", Namespace: "n", Name: "p", APIVersion: "v1"},
		{"proxy", "/api/v1/proxy/nodes/x/metrics"}:                              {Resource: "nodes", Name: "x", APIVersion: "v1"},
		{"list", "//api//v1//namespaces"}:                                       {Resource: "v1", Subresource: "namespaces"},
	} {
		got, found := Read(request[0], request[1])
		assert.True(t, found, request)
		assert.Equal(t, want, got, request)
	}
}

func TestARequestThatIsAboutNoResourceHasNoObject(t *testing.T) {
	for _, request := range [][2]string{
		{"get", "/api/v1/pods/" + strings.Repeat("p", maxURI)}, {"get", "/"}, {"get", "/healthz"}, {"get", "/api/v1"}, {"get", "/apis/apps/v1"}, {"get", "/logs/a/b/c"}, {"get", "*"}, {"get", ""},
		{"get", "api/v1/pods/p"}, {"get", "/api/v1/pods/%zz"}, {"watch", "/api/v1/watch"},
		{"get", "/api/v1/pods"}, {"list", "/api/v1/pods/p"}, {"delete", "/api/v1/pods"}, {"exec", "/api/v1/pods/p"}, {"get", "/api/v1/watch/pods/p"},
	} {
		_, found := Read(request[0], request[1])
		assert.False(t, found, request)
	}
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Read("list", "/api/v1/namespaces/n/secrets?fieldSelector=metadata.name%3Ds&limit=500")
	}
}
