package requestinfo

import (
	"net/url"
	"strings"
)

// Object is the objectRef of an audit event, as far as the URI tells it. An empty field stands for a missing member.
type Object struct {
	Resource, Namespace, Name, APIGroup, APIVersion, Subresource string
}

// These path segments after the API version were verbs of the API before Kubernetes 1.0. The API server still reads
// them.
const (
	proxyPrefix = "proxy"
	watchPrefix = "watch"
)

// maxURI is the size of the longest URI that Read accepts, in bytes. AKS cuts an event at this size, so a URI that is
// whole in a cut event is shorter. The bound also keeps other senders from making Read slow.
const maxURI = 16 << 10

// Read returns the object of a request. verb and uri are those of the audit event. Read returns false if the request
// is not about a resource, or if no API server gives a request with this path this verb.
//
// The paths of resources are
//
//	/api/VERSION/…                     of the core group
//	/apis/GROUP/VERSION/…              of another group
//	…/RESOURCE/NAME/SUBRESOURCE/…      what follows the version
//	…/namespaces/NAMESPACE/RESOURCE/…  in a namespace
//	…/watch/…, …/proxy/…               before either of them, with a verb
func Read(verb, uri string) (Object, bool) {
	if len(uri) > maxURI || !strings.HasPrefix(uri, "/") {
		return Object{}, false // such as "*": the path is empty, or names nothing
	}
	parsed, err := url.ParseRequestURI(uri)
	if err != nil {
		return Object{}, false
	}
	object, rest, found := readVersion(strings.Split(strings.Trim(parsed.Path, "/"), "/"))
	if !found {
		return Object{}, false
	}
	prefix := ""
	if rest[0] == proxyPrefix || rest[0] == watchPrefix {
		prefix, rest = rest[0], rest[1:]
	}
	if len(rest) == 0 {
		return Object{}, false // the API server refuses the request before it writes an audit event
	}
	object.readResource(rest, prefix != proxyPrefix)
	if !fits(verb, prefix, object.Name != "") {
		return Object{}, false
	}
	if prefix == "" && object.Name == "" && (verb == "list" || verb == "watch") {
		object.Name = selectedName(parsed.Query())
	}
	return object, true
}

// readVersion reads the group and the version from the segments of a path. It returns false if no segment follows
// them.
func readVersion(segments []string) (object Object, rest []string, found bool) {
	switch {
	case segments[0] == "api" && len(segments) > 2:
		return Object{APIVersion: segments[1]}, segments[2:], true
	case segments[0] == "apis" && len(segments) > 3:
		return Object{APIGroup: segments[1], APIVersion: segments[2]}, segments[3:], true
	default:
		return Object{}, nil, false
	}
}

// readResource reads the segments after the version and the prefix.
func (o *Object) readResource(segments []string, subresources bool) {
	if segments[0] == "namespaces" && len(segments) > 1 {
		o.Namespace = segments[1]
		// These two are subresources of the namespace itself. Any other segment is a resource in the namespace.
		if len(segments) > 2 && segments[2] != "status" && segments[2] != "finalize" {
			segments = segments[2:]
		}
	}
	o.Resource = segments[0]
	if len(segments) > 1 {
		o.Name = segments[1]
	}
	if len(segments) > 2 && subresources {
		o.Subresource = segments[2]
	}
}

// fits reports whether the API server gives a request with this path the verb, for any HTTP method. The API server
// derives both from one request, so an event in which they contradict each other is not from an API server.
func fits(verb, prefix string, named bool) bool {
	switch {
	case prefix != "":
		return verb == prefix
	case verb == "get", verb == "delete":
		return named
	case verb == "list", verb == "watch", verb == "deletecollection":
		return !named
	default: // "" stands for a method that the API does not know
		return verb == "create" || verb == "update" || verb == "patch" || verb == ""
	}
}
