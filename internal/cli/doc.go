// Package cli holds the command line: the commands and their flags, the signals, and the exit codes. It is a package of
// its own so that the man pages can be made from the same commands.
package cli
