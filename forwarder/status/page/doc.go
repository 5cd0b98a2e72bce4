// Package page serves the files of the status page.
package page
