// Package promtest reads metrics in tests.
package promtest
