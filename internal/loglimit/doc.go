// Package loglimit keeps repeated messages from filling the log. It decides which of them are logged, and counts the
// others.
package loglimit
