// Package requestinfo compares what the daemon reads from the URI of a request with what the API server's own code
// reads. It is a package of its own so that no other test is linked with k8s.io/apiserver.
package requestinfo

import (
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/klog/v2"

	"aks-audit-log-go/eventhub/unpack/requestinfo"
)

// TestMain keeps the API server's code from logging each invalid query.
func TestMain(m *testing.M) {
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// apiServers resolves requests as kube-apiserver is set up to do.
var apiServers = request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// audited returns what the API server writes into an audit event about a request line: verb, requestURI and objectRef.
// It returns false if the API server refuses the request before it writes an event.
func audited(method, target string) (verb, uri string, object requestinfo.Object, resource, written bool) {
	parsed, err := url.ParseRequestURI(target) // as net/http does it
	if err != nil {
		return "", "", object, false, false
	}
	info, err := apiServers.NewRequestInfo(&http.Request{Method: method, URL: parsed})
	if err != nil {
		return "", "", object, false, false
	}
	object = requestinfo.Object{
		Resource: info.Resource, Namespace: info.Namespace, Name: info.Name,
		APIGroup: info.APIGroup, APIVersion: info.APIVersion, Subresource: info.Subresource,
	}
	return info.Verb, parsed.RequestURI(), object, info.IsResourceRequest, true
}

// valid replaces what is no UTF-8, as the API server's JSON does.
func valid(o requestinfo.Object) requestinfo.Object {
	for _, field := range []*string{&o.Resource, &o.Namespace, &o.Name, &o.APIGroup, &o.APIVersion, &o.Subresource} {
		*field = string([]rune(*field))
	}
	return o
}

// requireSame requires that the daemon reads from verb and URI what the API server wrote as objectRef. With a label or
// shard selector the daemon may leave out a name that a field selector asked for. It returns whether there was an
// object.
func requireSame(t *testing.T, method, target string) bool {
	t.Helper()
	verb, uri, want, resource, written := audited(method, target)
	if !written {
		return false
	}
	got, found := requestinfo.Read(verb, uri)
	require.Equal(t, resource, found, "%s %q: %q %q", method, target, verb, uri)
	if !resource {
		return false
	}
	_, query, _ := strings.Cut(uri, "?")
	parameters, _ := url.ParseQuery(query)
	unreadable := parameters.Get("labelSelector") != "" || parameters.Get("shardSelector") != ""
	if got.Name == "" && unreadable && (verb == "list" || verb == "watch") {
		want.Name = ""
	}
	require.Equal(t, valid(want), valid(got), "%s %q: %q %q", method, target, verb, uri)
	return true
}

func TestTheObjectOfARequestIsReadAsTheAPIServerReadsIt(t *testing.T) {
	for _, path := range []string{
		"/api/v1/pods", "/api/v1/pods/", "/api/v1/pods/p", "/api/v1/pods/p/status",
		"/api/v1/namespaces", "/api/v1/namespaces/n", "/api/v1/namespaces/n/status", "/api/v1/namespaces/n/finalize",
		"/api/v1/namespaces/n/finalize/x", "/api/v1/namespaces/n/pods", "/api/v1/namespaces/n/pods/p",
		"/api/v1/namespaces/n/pods/p/exec?command=sh&stdin=true", "/api/v1/namespaces/n/pods/p/log?tailLines=5",
		"/api/v1/namespaces/n/pods/https:p:80/proxy/a/b?c=d", "/api/v1/namespaces/namespaces/namespaces/namespaces",
		"/apis/apps/v1/namespaces/n/deployments/d/scale", "/apis/apps/v1/deployments", "/apis/apps/v1/namespaces",
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/b", "/apis/g/v/status/status/status",
		"/api/v1/watch/pods", "/api/v1/watch/namespaces/n/pods/p", "/api/v1/watch/namespaces/n/pods/p/status", "/api/v1/watch", "/apis/apps/v1/watch/deployments/d",
		"/api/v1/proxy/namespaces/n/pods/p/a/b", "/api/v1/proxy/nodes/x/status", "/api/v1/proxy", "/apis/g/v/proxy",
		"/api/v1/watch/watch/watch", "/api/v1/proxy/proxy/proxy/proxy", "/api/v1/watch/proxy/pods/p/s",
		"/", "/api", "/api/", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/apis/apps/v1/", "/version?timeout=5s", "/healthz/etcd", "/logs/a/b/c",
		"/API/v1/pods", "/api/v1/Pods/P", "//api//v1//namespaces", "//api/v1/pods/p", "/api//pods/p", "/api/v1//p", "/api/v1/pods//exec",
		"/api/v1/namespaces//pods/p", "/api/v1/namespaces/n//p", "/api/v1/./pods", "/api/v1/../pods/p", "/x/../api/v1/pods/p",
		"/api/v1/namespaces/n/pods/a%2Fb", "/api%2Fv1/pods", "/api/v1/pods/%70", "/%61pi/v1/pods/p", "/api/v1/pods/p%3Fq", "/api/v1/pods/p?a/b/c",
		"/api/v1/pods/p%00", "/api/v1/pods/%ff", "/api/v1/pods/%E2%82%AC", "/api/v1/pods/p#f", "/api/v1/pods/p;x=y", "/api/v1/pods/p%20q", "/api/v1/pods/<\"&>",
		"/api/v1/pods/a%zz", "http://host/api/v1/pods/p", "http://host", "foo:api/v1/pods/p", "*",
		"/api/v1/secrets?fieldSelector=metadata.name=s", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&watch=true", "/api/v1/secrets?fieldSelector=metadata.name%3D%3Ds",
		"/api/v1/secrets?fieldSelector=metadata.name!%3Ds", "/api/v1/secrets?fieldSelector=metadata.name!%3D%3Ds", "/api/v1/secrets?fieldSelector=metadata.name%3D%3D%3Ds",
		"/api/v1/secrets?fieldSelector=metadata.name%3Ds,type%3Da", "/api/v1/secrets?fieldSelector=type%3Da,metadata.name%3Ds", "/api/v1/secrets?fieldSelector=type%3Da",
		"/api/v1/secrets?fieldSelector=metadata.name%3Db,metadata.name%3Da", "/api/v1/secrets?fieldSelector=metadata.name%3D%3Da,metadata.name%3Db",
		"/api/v1/secrets?fieldSelector=metadata.name%3D,metadata.name%3Db", "/api/v1/secrets?fieldSelector=%3D,metadata.name%3Db", "/api/v1/secrets?fieldSelector=,,metadata.name%3Db,",
		"/api/v1/secrets?fieldSelector=metadata.name", "/api/v1/secrets?fieldSelector=metadata.name%3Ds,x", "/api/v1/secrets?fieldSelector=metadata.name%3Da%3Db",
		`/api/v1/secrets?fieldSelector=metadata.name%3Da\,b`, `/api/v1/secrets?fieldSelector=metadata.name%3Da\\b`, `/api/v1/secrets?fieldSelector=metadata.name%3Da\b`, `/api/v1/secrets?fieldSelector=metadata.name%3Da\`,
		`/api/v1/secrets?fieldSelector=metadata.name%3Da\=b`, "/api/v1/secrets?fieldSelector=metadata.name%3Da%2Fb", "/api/v1/secrets?fieldSelector=metadata.name%3D..", "/api/v1/secrets?fieldSelector=metadata.name%3D%25",
		"/api/v1/secrets?fieldSelector=metadata.name%3Ds&fieldSelector=metadata.name%3Dt", "/api/v1/secrets?fieldselector=metadata.name%3Ds", "/api/v1/secrets?%66ieldSelector=metadata.name%3Ds",
		"/api/v1/secrets?fieldSelector=metadata.name%3Ds&limit=500", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&limit=x", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&limit=", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&limit",
		"/api/v1/secrets?fieldSelector=metadata.name%3Ds&timeoutSeconds=1.5", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&timeoutSeconds=-1", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&limit=99999999999999999999",
		"/api/v1/secrets?fieldSelector=metadata.name%3Ds&watch=0", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&watch", "/api/v1/secrets?watch=false&limit=x", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&watch=1&limit=x",
		"/api/v1/secrets?fieldSelector=metadata.name%3Ds&labelSelector=a%3Db", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&labelSelector=!!", "/api/v1/secrets?fieldSelector=metadata.name%3Ds&labelSelector=",
		"/api/v1/secrets?fieldSelector=metadata.name%3Ds&shardSelector=x", "/api/v1/secrets?fieldSelector=metadata.name%3Ds;limit=1", "/api/v1/secrets?a;b&fieldSelector=metadata.name%3Ds", "/api/v1/secrets?fieldSelector=metadata.name%3D%zz",
		"/api/v1/secrets/s?fieldSelector=metadata.name%3Dt", "/api/v1/watch/secrets?fieldSelector=metadata.name%3Dt", "/api/v1/secrets?fieldSelector=metadata.name%3D%ff", "/api/v1/secrets?fieldSelector=metadata.name%3D%ff\\,",
	} {
		for _, method := range methods {
			requireSame(t, method, path)
		}
	}
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "CONNECT", "FOO"}

// The parts of random request lines.
var (
	segments = []string{
		"api", "apis", "v1", "apps", "namespaces", "n", "pods", "p", "exec", "status", "finalize", "watch", "proxy", "secrets", "",
		".", "..", "%2F", "%70ods", "%", "a=b", "*", ":80", "%ff", "é", "#",
	}
	parameters = []string{"fieldSelector", "labelSelector", "watch", "limit", "timeoutSeconds", "resourceVersion", "continue", "shardSelector", "sendInitialEvents", "x", "", "%66ieldSelector"}
	values     = []string{
		"metadata.name%3Dp", "metadata.name=p", "metadata.name%3D%3Dq", "metadata.name!%3Dr", "metadata.namespace%3Dn", ",", "%2C", `\`, `\,`, `\=`, "%3D", "=", "!", "a", "%25", "%2F", ".",
		"1", "0", "true", "FALSE", "-1", "1e3", "", "%", ";", "+", "%00", "%ff", "é",
	}
)

// randomTarget draws a request target, most often one of a resource.
func randomTarget(rng *rand.Rand) string {
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	target := []string{"/api/v1", "/apis/apps/v1", "/api/v1/namespaces/n", "/apis/g/v/watch", "/api/v1/proxy", "", "/", "http://h"}[rng.IntN(8)]
	for range rng.IntN(6) {
		target += "/" + pick(segments)
	}
	target += "?"
	if rng.IntN(2) == 0 {
		target += "fieldSelector=metadata.name%3D" + pick(values) + "&"
	}
	for range rng.IntN(4) {
		target += "&" + pick(parameters) + "="
		for range rng.IntN(4) {
			target += pick(values)
		}
	}
	return target
}

func TestRandomRequestsAreReadAsTheAPIServerReadsThem(t *testing.T) {
	const rounds = 200_000
	rng := rand.New(rand.NewPCG(14, 5))
	resources, named := 0, 0
	for range rounds {
		target := randomTarget(rng)
		if requireSame(t, methods[rng.IntN(len(methods))], target) {
			resources++
		}
		if verb, uri, _, _, _ := audited("GET", target); verb == "list" {
			if object, _ := requestinfo.Read(verb, uri); object.Name != "" {
				named++
			}
		}
	}
	assert.Greater(t, resources, rounds/4, "the requests are about resources often enough")
	assert.Greater(t, named, rounds/1000, "and select a name often enough")
}

func FuzzRequestsAreReadAsTheAPIServerReadsThem(f *testing.F) {
	f.Add("GET", "/api/v1/namespaces/n/pods/p/exec?command=sh")
	f.Add("GET", `/apis/apps/v1/deployments?fieldSelector=metadata.name%3Dd,a%3D\,`)
	f.Fuzz(func(t *testing.T, method, target string) { requireSame(t, method, target) })
}

// TestAnEventWhoseVerbNoAPIServerWouldWriteHasNoObject: an API server derives both from one request.
func TestAnEventWhoseVerbNoAPIServerWouldWriteHasNoObject(t *testing.T) {
	for _, path := range []string{"/api/v1/pods", "/api/v1/pods/p", "/api/v1/watch/pods/p", "/api/v1/watch/pods", "/api/v1/proxy/pods/p"} {
		possible := map[string]bool{}
		for _, method := range methods {
			for _, query := range []string{"", "?watch=1"} {
				verb, _, _, _, _ := audited(method, path+query)
				possible[verb] = true
			}
		}
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy", "", "GET", "post", "exec"} {
			_, found := requestinfo.Read(verb, path)
			assert.Equal(t, possible[verb], found, "%s %s", verb, path)
		}
	}
}
