// Package azauthtest holds credentials for tests.
package azauthtest
