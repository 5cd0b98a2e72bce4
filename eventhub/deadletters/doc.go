// Package deadletters stores dead letters while later audit events are delivered.
//
// A partition hands over a dead letter and continues. Only its checkpoint waits until the dead letter is stored.
package deadletters
