package wire

// Source is where a link's messages come from (part 3, section 3.5.3).
type Source struct {
	Address               any // a string for every address that Event Hubs knows
	Durable               *uint32
	ExpiryPolicy          Symbol
	Timeout               *uint32
	Dynamic               bool
	DynamicNodeProperties Map
	DistributionMode      Symbol
	Filter                Map
	DefaultOutcome        any
	Outcomes              any
	Capabilities          any
}

func (*Source) code() uint64 { return 0x28 }
func (s *Source) fields() []any {
	return []any{&s.Address, &s.Durable, &s.ExpiryPolicy, &s.Timeout, &s.Dynamic, &s.DynamicNodeProperties,
		&s.DistributionMode, &s.Filter, &s.DefaultOutcome, &s.Outcomes, &s.Capabilities}
}

// Target is where a link's messages go (part 3, section 3.5.4).
type Target struct {
	Address               any
	Durable               *uint32
	ExpiryPolicy          Symbol
	Timeout               *uint32
	Dynamic               bool
	DynamicNodeProperties Map
	Capabilities          any
}

func (*Target) code() uint64 { return 0x29 }
func (t *Target) fields() []any {
	return []any{&t.Address, &t.Durable, &t.ExpiryPolicy, &t.Timeout, &t.Dynamic, &t.DynamicNodeProperties, &t.Capabilities}
}

// Accepted returns the delivery state of an accepted message (part 3, section 3.4.2).
func Accepted() Described { return Described{Descriptor: uint64(0x24), Value: List{}} }

// Rejected returns the delivery state of a rejected message, with the reason (part 3, section 3.4.3).
func Rejected(condition Symbol, description string) Described {
	why := Described{Descriptor: uint64(0x1d), Value: List{condition, description}}
	return Described{Descriptor: uint64(0x25), Value: List{why}}
}
