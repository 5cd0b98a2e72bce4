// Package loglimit keeps repeated messages from flooding the log: it says which of them to log, and counts the rest.
package loglimit
