// Package requestinfo reads from the URI and the verb of a request which object the request is about, as the API
// server does (RequestInfoFactory of k8s.io/apiserver). A test in e2e/requestinfo compares both.
package requestinfo
