// Package jsonscan scans and edits JSON objects that may be cut short.
package jsonscan
