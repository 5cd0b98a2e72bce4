// Package azauth gets and renews Entra ID tokens, and describes the resources that take them. It also holds the
// choice of the HTTP proxy, which the connections to both Azure services share.
package azauth
