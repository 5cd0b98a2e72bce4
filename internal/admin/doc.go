// Package admin runs the commands that show and change what the daemon has stored: checkpoints and dead letters.
package admin
