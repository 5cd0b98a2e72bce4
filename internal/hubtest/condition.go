package hubtest

import "aks-audit-log-go/internal/hubtest/wire"

// Error conditions of AMQP (part 2, section 2.8), and Microsoft's own ones.
const (
	condUnauthorized    wire.Symbol = "amqp:unauthorized-access"
	condNotFound        wire.Symbol = "amqp:not-found"
	condNotAllowed      wire.Symbol = "amqp:not-allowed"
	condDecodeError     wire.Symbol = "amqp:decode-error"
	condResourceLimit   wire.Symbol = "amqp:resource-limit-exceeded"
	condFramingError    wire.Symbol = "amqp:connection:framing-error"
	condHandleInUse     wire.Symbol = "amqp:session:handle-in-use"
	condStolen          wire.Symbol = "amqp:link:stolen"
	condDetachForced    wire.Symbol = "amqp:link:detach-forced"
	condMessageTooLarge wire.Symbol = "amqp:link:message-size-exceeded"
	condArgumentError   wire.Symbol = "com.microsoft:argument-error"
	condInvalidOffset   wire.Symbol = "com.microsoft:georeplication:invalid-offset"
	condOutOfRange      wire.Symbol = "com.microsoft:argument-out-of-range"
)
