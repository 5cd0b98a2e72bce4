// Package azauth gets and renews Entra ID tokens, and describes the resources that take them. It also holds what the
// connections to both Azure services share: the choice of the HTTP proxy.
package azauth
