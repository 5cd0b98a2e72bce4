package history

import (
	"math"
	"strconv"
	"time"
)

// Series is the history of a partition, or of all partitions, as in /history.json. Each list has a number for each
// minute from Start on, the oldest first. The last minute is not complete yet. An unknown number is null. Numbers of
// complete minutes are exact to a 256th.
type Series struct {
	// Start is the beginning of the first minute.
	Start time.Time `json:"start"`
	// StepSeconds is the time from one number to the next.
	StepSeconds int `json:"step_seconds"`
	// Arrived is how many hub events the hub got, by its newest sequence number.
	Arrived Numbers `json:"arrived_hub_events"`
	// Handled is how many hub events got all their verdicts.
	Handled Numbers `json:"handled_hub_events"`
	// Delivered is how many audit events the sink accepted.
	Delivered Numbers `json:"delivered_audit_events"`
	// Lag is the number of waiting hub events at the end of the minute.
	Lag Numbers `json:"lag_events"`
	// Age is the greatest age of the newest delivered hub event in the minute. It is 0 while none waits.
	Age Numbers `json:"age_seconds"`
	// Answer is the sink's longest answer time.
	Answer Numbers `json:"answer_seconds"`
	// Failed is 1 for a minute in which a POST failed, 0 for one in which the sink only accepted.
	Failed Numbers `json:"post_failed"`
}

// Numbers is a list of numbers, some of which are unknown.
type Numbers []float64

// MarshalJSON writes five digits of each number, and null for an unknown one.
func (n Numbers) MarshalJSON() ([]byte, error) {
	text := append(make([]byte, 0, 2+8*len(n)), '[')
	for i, number := range n {
		if i > 0 {
			text = append(text, ',')
		}
		switch {
		case math.IsNaN(number):
			text = append(text, "null"...)
		case number == math.Trunc(number) && math.Abs(number) < 1e15:
			text = strconv.AppendFloat(text, number, 'f', 0, 64)
		default:
			text = strconv.AppendFloat(text, number, 'g', 5, 64)
		}
	}
	return append(text, ']'), nil
}

func newSeries(r *ring) Series {
	s := Series{Start: time.Unix(r.first*60, 0).UTC(), StepSeconds: 60}
	r.each(func(m sample) {
		s.Arrived = append(s.Arrived, m.arrived)
		s.Handled = append(s.Handled, m.handled)
		s.Delivered = append(s.Delivered, m.delivered)
		s.Lag = append(s.Lag, m.lag)
		s.Age = append(s.Age, m.age)
		failed := unknown
		if !math.IsNaN(m.answer) {
			failed = 0
			if math.Signbit(m.answer) {
				failed = 1
			}
		}
		s.Answer, s.Failed = append(s.Answer, math.Abs(m.answer)), append(s.Failed, failed)
	})
	return s
}
