// Package deadletters stores dead letters while the audit events behind them are delivered.
//
// A partition hands over a dead letter and goes on; only its checkpoint waits until the dead letter is stored.
package deadletters
