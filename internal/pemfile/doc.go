// Package pemfile reads files of certificates and keys.
package pemfile
