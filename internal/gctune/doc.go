// Package gctune tunes the garbage collector and the memory limit to the container.
package gctune
