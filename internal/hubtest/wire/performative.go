package wire

// Performative is the body of a frame. It is one of *Open, *Begin, *Attach, *Flow, *Transfer, *Disposition, *Detach,
// *End, *Close, and in a SASL frame *SASLMechanisms, *SASLInit, *SASLOutcome. The fields are those of AMQP 1.0 part 2,
// section 2.7, and part 5, section 5.3. A nil pointer is a field that is not set.
type Performative interface{ composite }

// Open starts a connection.
type Open struct {
	ContainerID         string
	Hostname            string
	MaxFrameSize        *uint32
	ChannelMax          *uint16
	IdleTimeOut         *uint32 // milliseconds
	OutgoingLocales     any
	IncomingLocales     any
	OfferedCapabilities any
	DesiredCapabilities any
	Properties          Map
}

func (*Open) code() uint64 { return 0x10 }
func (o *Open) fields() []any {
	return []any{&o.ContainerID, &o.Hostname, &o.MaxFrameSize, &o.ChannelMax, &o.IdleTimeOut, &o.OutgoingLocales,
		&o.IncomingLocales, &o.OfferedCapabilities, &o.DesiredCapabilities, &o.Properties}
}

// Begin starts a session on a channel.
type Begin struct {
	RemoteChannel       *uint16
	NextOutgoingID      uint32
	IncomingWindow      uint32
	OutgoingWindow      uint32
	HandleMax           *uint32
	OfferedCapabilities any
	DesiredCapabilities any
	Properties          Map
}

func (*Begin) code() uint64 { return 0x11 }
func (b *Begin) fields() []any {
	return []any{&b.RemoteChannel, &b.NextOutgoingID, &b.IncomingWindow, &b.OutgoingWindow, &b.HandleMax,
		&b.OfferedCapabilities, &b.DesiredCapabilities, &b.Properties}
}

// Attach starts a link on a session.
type Attach struct {
	Name                 string
	Handle               uint32
	Role                 Role
	SenderSettleMode     *uint8
	ReceiverSettleMode   *uint8
	Source               *Source
	Target               *Target
	Unsettled            Map
	IncompleteUnsettled  bool
	InitialDeliveryCount *uint32
	MaxMessageSize       uint64 // 0 is no limit
	OfferedCapabilities  any
	DesiredCapabilities  any
	Properties           Map
}

func (*Attach) code() uint64 { return 0x12 }
func (a *Attach) fields() []any {
	return []any{&a.Name, &a.Handle, &a.Role, &a.SenderSettleMode, &a.ReceiverSettleMode, &a.Source, &a.Target, &a.Unsettled,
		&a.IncompleteUnsettled, &a.InitialDeliveryCount, &a.MaxMessageSize, &a.OfferedCapabilities, &a.DesiredCapabilities,
		&a.Properties}
}

// Flow has the windows of a session and the credit of a link.
type Flow struct {
	NextIncomingID *uint32
	IncomingWindow uint32
	NextOutgoingID uint32
	OutgoingWindow uint32
	Handle         *uint32
	DeliveryCount  *uint32
	LinkCredit     *uint32
	Available      *uint32
	Drain          bool
	Echo           bool
	Properties     Map
}

func (*Flow) code() uint64 { return 0x13 }
func (f *Flow) fields() []any {
	return []any{&f.NextIncomingID, &f.IncomingWindow, &f.NextOutgoingID, &f.OutgoingWindow, &f.Handle, &f.DeliveryCount,
		&f.LinkCredit, &f.Available, &f.Drain, &f.Echo, &f.Properties}
}

// Transfer carries a message, or a part of one, as the frame's payload.
type Transfer struct {
	Handle             uint32
	DeliveryID         *uint32
	DeliveryTag        []byte
	MessageFormat      *uint32
	Settled            bool
	More               bool
	ReceiverSettleMode *uint8
	State              any
	Resume             bool
	Aborted            bool
	Batchable          bool
}

func (*Transfer) code() uint64 { return 0x14 }
func (t *Transfer) fields() []any {
	return []any{&t.Handle, &t.DeliveryID, &t.DeliveryTag, &t.MessageFormat, &t.Settled, &t.More, &t.ReceiverSettleMode,
		&t.State, &t.Resume, &t.Aborted, &t.Batchable}
}

// Disposition has the outcome of the deliveries First to Last.
type Disposition struct {
	Role      Role
	First     uint32
	Last      *uint32
	Settled   bool
	State     any
	Batchable bool
}

func (*Disposition) code() uint64 { return 0x15 }
func (d *Disposition) fields() []any {
	return []any{&d.Role, &d.First, &d.Last, &d.Settled, &d.State, &d.Batchable}
}

// Detach ends a link.
type Detach struct {
	Handle uint32
	Closed bool
	Error  *Error
}

func (*Detach) code() uint64    { return 0x16 }
func (d *Detach) fields() []any { return []any{&d.Handle, &d.Closed, &d.Error} }

// End ends a session.
type End struct{ Error *Error }

func (*End) code() uint64    { return 0x17 }
func (e *End) fields() []any { return []any{&e.Error} }

// Close ends a connection.
type Close struct{ Error *Error }

func (*Close) code() uint64    { return 0x18 }
func (c *Close) fields() []any { return []any{&c.Error} }

// SASLMechanisms offers the ways to authenticate, as a symbol or an array of symbols.
type SASLMechanisms struct{ Mechanisms any }

func (*SASLMechanisms) code() uint64    { return 0x40 }
func (s *SASLMechanisms) fields() []any { return []any{&s.Mechanisms} }

// SASLInit chooses a mechanism. InitialResponse may hold a secret.
type SASLInit struct {
	Mechanism       Symbol
	InitialResponse []byte
	Hostname        string
}

func (*SASLInit) code() uint64    { return 0x41 }
func (s *SASLInit) fields() []any { return []any{&s.Mechanism, &s.InitialResponse, &s.Hostname} }

// SASLOutcome ends the SASL exchange. Code 0 is ok, and 1 is bad credentials.
type SASLOutcome struct {
	Code           *uint8
	AdditionalData []byte
}

func (*SASLOutcome) code() uint64    { return 0x44 }
func (s *SASLOutcome) fields() []any { return []any{&s.Code, &s.AdditionalData} }

// Error is why a link, session or connection was ended, or a message rejected.
type Error struct {
	Condition   Symbol
	Description string
	Info        Map
}

func (*Error) code() uint64    { return 0x1d }
func (e *Error) fields() []any { return []any{&e.Condition, &e.Description, &e.Info} }

// newPerformative returns an empty performative for a descriptor, or nil if there is none.
func newPerformative(code uint64) Performative {
	switch code {
	case 0x10:
		return new(Open)
	case 0x11:
		return new(Begin)
	case 0x12:
		return new(Attach)
	case 0x13:
		return new(Flow)
	case 0x14:
		return new(Transfer)
	case 0x15:
		return new(Disposition)
	case 0x16:
		return new(Detach)
	case 0x17:
		return new(End)
	case 0x18:
		return new(Close)
	case 0x40:
		return new(SASLMechanisms)
	case 0x41:
		return new(SASLInit)
	case 0x44:
		return new(SASLOutcome)
	}
	return nil
}
