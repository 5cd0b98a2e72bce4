package eventhub

import (
	"context"

	"github.com/devigned/tab"
	"github.com/sirupsen/logrus"
)

// BridgeSDKLogs shows in log, at debug level, what azure-event-hubs-go has to say. It reports
// errors nowhere but to the spans of devigned/tab, and tab keeps one tracer for the whole
// process: call it once, before the first client is made.
func BridgeSDKLogs(log *logrus.Logger) {
	tab.Register(sdkTracer{log: log.WithField("component", "azure-event-hubs-go")})
}

// sdkTracer gives every span of the SDK the same logger. The attributes of spans are left out:
// they would be built for every event received.
type sdkTracer struct {
	log *logrus.Entry
}

func (t sdkTracer) StartSpan(ctx context.Context, _ string, _ ...interface{}) (context.Context, tab.Spanner) {
	return ctx, sdkSpan(t)
}

func (t sdkTracer) StartSpanWithRemoteParent(ctx context.Context, _ string, _ tab.Carrier, _ ...interface{}) (context.Context, tab.Spanner) {
	return ctx, sdkSpan(t)
}

func (t sdkTracer) FromContext(context.Context) tab.Spanner { return sdkSpan(t) }

func (t sdkTracer) NewContext(ctx context.Context, _ tab.Spanner) context.Context { return ctx }

type sdkSpan struct {
	log *logrus.Entry
}

func (s sdkSpan) AddAttributes(...tab.Attribute) {}
func (s sdkSpan) End()                           {}
func (s sdkSpan) Logger() tab.Logger             { return sdkLogger(s) }
func (s sdkSpan) Inject(tab.Carrier) error       { return nil }
func (s sdkSpan) InternalSpan() interface{}      { return nil }

// sdkLogger lets no message of the SDK above debug: what matters of it comes back as an error
// as well, and is logged where it is handled.
type sdkLogger struct {
	log *logrus.Entry
}

func (l sdkLogger) Info(message string, _ ...tab.Attribute)  { l.log.Debug(message) }
func (l sdkLogger) Error(err error, _ ...tab.Attribute)      { l.log.WithError(err).Debug("client error") }
func (l sdkLogger) Fatal(message string, _ ...tab.Attribute) { l.log.Debug(message) }
func (l sdkLogger) Debug(message string, _ ...tab.Attribute) { l.log.Trace(message) }
