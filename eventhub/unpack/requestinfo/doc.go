// Package requestinfo finds out from a request's URI and verb which object the request is about. It does so as the
// API server does (RequestInfoFactory of k8s.io/apiserver). A test in e2e/requestinfo compares both.
package requestinfo
