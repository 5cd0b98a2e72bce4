package hubtest

import (
	"fmt"

	"aks-audit-log-go/internal/hubtest/wire"
)

func (c *conn) trace(format string, args ...any) {
	c.srv.cfg.Trace("%s %s", c.name, fmt.Sprintf(format, args...))
}

// traceFrame traces all frames but transfers, flows and dispositions, which are as many as events. It traces only
// values that cannot be a secret.
func (c *conn) traceFrame(direction string, channel uint16, p wire.Performative) {
	switch p := p.(type) {
	case *wire.Transfer, *wire.Flow, *wire.Disposition:
	case *wire.Attach:
		c.trace("%s attach %d/%d %q source %v target %v", direction, channel, p.Handle, p.Name, sourceAddress(p), targetAddress(p))
	case *wire.Detach:
		c.trace("%s detach %d/%d%s", direction, channel, p.Handle, because(p.Error))
	case *wire.End:
		c.trace("%s end %d%s", direction, channel, because(p.Error))
	case *wire.Close:
		c.trace("%s close%s", direction, because(p.Error))
	default:
		c.trace("%s %T %d", direction, p, channel)
	}
}

func because(e *wire.Error) string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf(" because %s: %s", e.Condition, e.Description)
}
