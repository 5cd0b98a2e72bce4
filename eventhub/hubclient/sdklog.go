package hubclient

import (
	"context"
	"regexp"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/devigned/tab"
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub/azauth"
)

// BridgeSDKLogs writes the messages of the SDKs to log, at debug and trace level. Each SDK keeps one listener for the
// whole process: call BridgeSDKLogs once, before the first client is made, after the level of log is set.
//
// azure-event-hubs-go reports errors only to the spans of devigned/tab.
func BridgeSDKLogs(log *logrus.Logger) {
	tab.Register(sdkTracer{log: log.WithField("component", "azure-event-hubs-go")})
	bridgeAzureLog(log)
}

// bridgeAzureLog writes to log what azeventhubs and azidentity write to Azure's log.
func bridgeAzureLog(log *logrus.Logger) {
	events := azureEvents(log.GetLevel())
	if len(events) == 0 {
		return
	}
	azlog.SetEvents(events...)
	azlog.SetListener(azureListener(log.WithFields(nil)))
}

// azureEvents returns the kinds of message that are listened to at a level. Those of EventConsumer come with every
// event of the hub, so the SDK must not even format them unless they are shown.
func azureEvents(level logrus.Level) []azlog.Event {
	switch {
	case level >= logrus.TraceLevel:
		return []azlog.Event{azeventhubs.EventConn, azeventhubs.EventAuth, azidentity.EventAuthentication, azeventhubs.EventConsumer}
	case level >= logrus.DebugLevel:
		return []azlog.Event{azeventhubs.EventConn, azeventhubs.EventAuth, azidentity.EventAuthentication}
	default:
		return nil
	}
}

// azureListener returns a listener that writes Azure's log to log.
func azureListener(log *logrus.Entry) func(azlog.Event, string) {
	return func(event azlog.Event, message string) {
		level := logrus.DebugLevel
		if event == azeventhubs.EventConsumer {
			level = logrus.TraceLevel
		}
		component := "azeventhubs"
		if event == azidentity.EventAuthentication {
			component = "azidentity"
		}
		log.WithField("component", component).WithField("event", string(event)).Log(level, redact(message))
	}
}

// sasSignature matches the secret part of a shared access signature.
var sasSignature = regexp.MustCompile(`(?i)\bsig=[^&\s"']*`)

// redact replaces the secret parts of tokens and signatures. The SDKs log none themselves, but they quote what the
// services answer.
func redact(message string) string {
	return azauth.RedactTokens(sasSignature.ReplaceAllString(message, "sig=(redacted)"))
}

// sdkTracer gives every span of the SDK the same logger. It leaves out the attributes of spans, which would be built
// for every event received.
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

// sdkSpan is a span that only has a logger.
type sdkSpan struct {
	log *logrus.Entry
}

func (s sdkSpan) AddAttributes(...tab.Attribute) {}
func (s sdkSpan) End()                           {}
func (s sdkSpan) Logger() tab.Logger             { return sdkLogger(s) }
func (s sdkSpan) Inject(tab.Carrier) error       { return nil }
func (s sdkSpan) InternalSpan() interface{}      { return nil }

// sdkLogger writes no message of the SDK above the level debug: errors that matter are also returned, and logged where
// they are handled.
type sdkLogger struct {
	log *logrus.Entry
}

func (l sdkLogger) Info(message string, _ ...tab.Attribute)  { l.log.Debug(message) }
func (l sdkLogger) Error(err error, _ ...tab.Attribute)      { l.log.WithError(err).Debug("client error") }
func (l sdkLogger) Fatal(message string, _ ...tab.Attribute) { l.log.Debug(message) }
func (l sdkLogger) Debug(message string, _ ...tab.Attribute) { l.log.Trace(message) }
