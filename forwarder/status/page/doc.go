// Package page serves the status page, one HTML document with its style and its script.
package page
