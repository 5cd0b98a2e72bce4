// Package jsonscan reads and edits JSON text that may be cut short or broken. It has no limit to the nesting, and
// changes no byte that an edit is not about.
package jsonscan
