// Package connstr reads Azure connection strings and names, and keeps secrets from being printed.
package connstr
