package history

import "math"

// sample is the result of one reading, or of one minute. Each number can be unknown.
type sample struct {
	// arrived and handled count hub events, delivered counts audit events. arrived is unknown while the lag is.
	arrived, handled, delivered float64
	// lag is the number of waiting hub events at the end.
	lag float64
	// age is the greatest age of the newest delivered hub event while others waited, in seconds.
	age float64
	// answer is the sink's longest answer time in seconds, below 0 if a POST failed.
	answer float64
}

// unknown stands for a number that was not recorded.
var unknown = math.NaN()

var nothing = sample{unknown, unknown, unknown, unknown, unknown, unknown}

// minute is the sample of a complete minute. It has 12 bytes, because there are 1,440 for each partition.
type minute struct{ arrived, handled, delivered, lag, age, answer short }

// short is the upper half of a float32, which is exact to a 256th: enough for a plot.
type short uint16

func newShort(value float64) short {
	return short((math.Float32bits(float32(value)) + 1<<15) >> 16) // rounded
}

func (s short) value() float64 { return float64(math.Float32frombits(uint32(s) << 16)) }

func newMinute(s sample) minute {
	return minute{
		newShort(s.arrived), newShort(s.handled), newShort(s.delivered),
		newShort(s.lag), newShort(s.age), newShort(s.answer),
	}
}

func (m minute) sample() sample {
	return sample{
		m.arrived.value(), m.handled.value(), m.delivered.value(),
		m.lag.value(), m.age.value(), m.answer.value(),
	}
}

func (s *sample) note(later sample) {
	lag := s.lag
	s.add(later)
	s.lag = later.lag
	if math.IsNaN(later.lag) {
		s.lag = lag
	}
}

func (s *sample) add(other sample) {
	s.arrived, s.handled = plus(s.arrived, other.arrived), plus(s.handled, other.handled)
	s.delivered, s.lag = plus(s.delivered, other.delivered), plus(s.lag, other.lag)
	s.age, s.answer = greater(s.age, other.age), worse(s.answer, other.answer)
}

// plus returns the sum of two numbers. An unknown number counts as 0, unless both are unknown.
func plus(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	default:
		return a + b
	}
}

// greater returns the greater of two numbers, or the known one if one is unknown.
func greater(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

// worse returns the longer of two answer times, or one below 0 if there is one.
func worse(a, b float64) float64 {
	longer := greater(math.Abs(a), math.Abs(b))
	if math.Signbit(a) && !math.IsNaN(a) || math.Signbit(b) && !math.IsNaN(b) {
		return math.Copysign(longer, -1)
	}
	return longer
}
