//go:build !race

package hubclient

import ()

// raceDetector tells whether the tests run with the race detector.
const raceDetector = false
