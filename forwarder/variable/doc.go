// Package variable is the table of all environment variables, from which help, documents and checks are made.
package variable
