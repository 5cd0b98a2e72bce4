// Package azauth gets and renews Entra ID tokens, explains why a service refuses them, and finds the HTTP proxy.
package azauth
