// Package cli has the command line: the commands with their flags, the signals, and the exit codes. It is a package of
// its own so that the man pages are made from the same commands.
package cli
