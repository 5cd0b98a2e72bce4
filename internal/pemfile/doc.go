// Package pemfile reads files with certificates and keys.
package pemfile
