// Package azauthtest has credentials for tests.
package azauthtest
