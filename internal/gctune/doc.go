// Package gctune adapts the garbage collector and the memory limit to the container.
package gctune
