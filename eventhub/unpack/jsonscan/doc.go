// Package jsonscan reads and edits JSON text that may be cut or broken. It has no limit on nesting. An edit changes
// only the bytes of its member.
package jsonscan
