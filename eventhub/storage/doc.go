// Package storage opens the store that the configuration names: a blob container or a folder.
package storage
