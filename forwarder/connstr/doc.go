// Package connstr parses Azure connection strings, checks Azure names, and keeps secrets from being printed.
package connstr
