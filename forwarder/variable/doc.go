// Package variable describes all environment variables in one table, for the command help and for error messages.
package variable
