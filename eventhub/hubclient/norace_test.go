//go:build !race

package hubclient

// raceDetector tells whether the tests run with the race detector.
const raceDetector = false
