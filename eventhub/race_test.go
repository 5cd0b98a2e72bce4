//go:build race

package eventhub

// raceDetector tells whether the tests run with the race detector.
const raceDetector = true
