// Package sdklog listens to what the SDKs of the event hub log: it passes it on to the log of the daemon, and it learns
// when azeventhubs has opened a link, which the SDK says nowhere else.
package sdklog

import (
	"context"
	"regexp"
	"sync"
	"sync/atomic"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/devigned/tab"
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub/azauth"
)

// Bridge writes the messages of the SDKs to log, at debug and trace level. Each SDK keeps one listener for the
// whole process: call Bridge once, before the first client is made, after the level of log is set.
//
// azure-event-hubs-go reports errors only to the spans of devigned/tab.
func Bridge(log *logrus.Logger) {
	tab.Register(sdkTracer{log: log.WithField("component", "azure-event-hubs-go")})
	bridgedLog.Store(log)
	Listen()
}

// bridgedLog is where Azure's log is written, nil before Bridge.
var bridgedLog atomic.Pointer[logrus.Logger]

// Listen begins to listen, once in the process, to what azeventhubs and azidentity write to Azure's log: to log it,
// and to learn when a link was opened.
var Listen = sync.OnceFunc(func() {
	level := logrus.InfoLevel
	if log := bridgedLog.Load(); log != nil {
		level = log.GetLevel()
	}
	azlog.SetEvents(azureEvents(level)...) // without a lock: goroutines of the SDK read it for as long as they live
	azlog.SetListener(func(event azlog.Event, message string) {
		openLinks.note(event, message)
		writeAzureLog(bridgedLog.Load(), event, message)
	})
})

// azureEvents returns the kinds of message that are listened to at a level: always those about connections, which say
// when a link was opened. Those of EventConsumer come with every event of the hub, so the SDK must not even format them
// unless they are shown.
func azureEvents(level logrus.Level) []azlog.Event {
	switch {
	case level >= logrus.TraceLevel:
		return []azlog.Event{azeventhubs.EventConn, azeventhubs.EventAuth, azidentity.EventAuthentication, azeventhubs.EventConsumer}
	case level >= logrus.DebugLevel:
		return []azlog.Event{azeventhubs.EventConn, azeventhubs.EventAuth, azidentity.EventAuthentication}
	default:
		return []azlog.Event{azeventhubs.EventConn}
	}
}

// writeAzureLog writes a message of Azure's log to log.
func writeAzureLog(log *logrus.Logger, event azlog.Event, message string) {
	level := logrus.DebugLevel
	if event == azeventhubs.EventConsumer {
		level = logrus.TraceLevel
	}
	if log == nil || !log.IsLevelEnabled(level) {
		return
	}
	component := "azeventhubs"
	if event == azidentity.EventAuthentication {
		component = "azidentity"
	}
	log.WithField("component", component).WithField("event", string(event)).Log(level, redact(message))
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
