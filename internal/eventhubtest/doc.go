// Package eventhubtest has what the tests of the packages below eventhub share: a hub, a store and a sink in memory,
// sample events, and access to the emulator.
package eventhubtest
