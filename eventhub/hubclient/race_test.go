//go:build race

package hubclient

// raceDetector is whether the tests run with the race detector.
const raceDetector = true
