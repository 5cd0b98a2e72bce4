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

// BridgeSDKLogs shows in log, at debug and trace level, what the SDKs have to say. Each keeps one
// listener for the whole process: call it once, before the first client is made, with the level of
// log set.
//
// azure-event-hubs-go reports errors nowhere but to the spans of devigned/tab.
func BridgeSDKLogs(log *logrus.Logger) {
	tab.Register(sdkTracer{log: log.WithField("component", "azure-event-hubs-go")})
	bridgeAzureLog(log)
}

// bridgeAzureLog shows what azeventhubs and azidentity write to Azure's log.
func bridgeAzureLog(log *logrus.Logger) {
	events := azureEvents(log.GetLevel())
	if len(events) == 0 {
		return
	}
	azlog.SetEvents(events...)
	azlog.SetListener(azureListener(log.WithFields(nil)))
}

// azureEvents are the kinds of message that are listened to. Those of EventConsumer come with every
// event of the hub, and are not even to be written where nobody sees them.
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
		log.WithField("component", component).WithField("event", string(event)).Log(level, withoutSecrets(message))
	}
}

// signatures are what makes a token of a shared access signature secret.
var signatures = regexp.MustCompile(`(?i)\bsig=[^&\s"']*`)

// withoutSecrets takes out what makes a token secret. The SDKs log none, but they pass on what the
// services say.
func withoutSecrets(message string) string {
	return azauth.WebTokens.ReplaceAllString(signatures.ReplaceAllString(message, "sig=(redacted)"), "(redacted)")
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
