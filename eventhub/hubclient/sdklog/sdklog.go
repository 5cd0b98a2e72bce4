// Package sdklog reads the log messages of the event hub SDKs. It writes them to the daemon's log. It also learns
// from them when azeventhubs has opened a link, because the SDK reports that nowhere else.
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

// Bridge writes the messages of the SDKs to log, at debug and trace level. Each SDK has one listener for the whole
// process: call Bridge once, after the level of log is set and before the first client is made.
//
// azure-event-hubs-go reports errors only to the spans of devigned/tab.
func Bridge(log *logrus.Logger) {
	tab.Register(sdkTracer{log: log.WithField("component", "azure-event-hubs-go")})
	bridgedLog.Store(log)
	Listen()
}

// bridgedLog is where Azure's log is written, nil before Bridge.
var bridgedLog atomic.Pointer[logrus.Logger]

// Listen starts to read, once in the process, the messages that azeventhubs and azidentity write to Azure's log. It
// logs them, and notes when a link was opened.
var Listen = sync.OnceFunc(func() {
	level := logrus.InfoLevel
	if log := bridgedLog.Load(); log != nil {
		level = log.GetLevel()
	}
	azlog.SetEvents(azureEvents(level)...) // without a lock, so it must not change while goroutines of the SDK run
	azlog.SetListener(func(event azlog.Event, message string) {
		openLinks.note(event, message)
		writeAzureLog(bridgedLog.Load(), event, message)
	})
})

// azureEvents returns the kinds of message that are read at a level. Messages about connections are always read,
// because they tell when a link was opened. EventConsumer has a message for every hub event, so the SDK should format
// these only if they are shown.
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

// redact replaces the secret parts of tokens and signatures. The SDKs do not log secrets themselves, but they quote
// the answers of services.
func redact(message string) string {
	return azauth.RedactTokens(sasSignature.ReplaceAllString(message, "sig=(redacted)"))
}

// sdkTracer gives every span of the SDK the same logger. It ignores the attributes of spans, because they would be
// built for every event received.
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

// sdkLogger writes no message of the SDK above debug level: errors that matter are also returned, and are logged
// where they are handled.
type sdkLogger struct {
	log *logrus.Entry
}

func (l sdkLogger) Info(message string, _ ...tab.Attribute)  { l.log.Debug(message) }
func (l sdkLogger) Error(err error, _ ...tab.Attribute)      { l.log.WithError(err).Debug("client error") }
func (l sdkLogger) Fatal(message string, _ ...tab.Attribute) { l.log.Debug(message) }
func (l sdkLogger) Debug(message string, _ ...tab.Attribute) { l.log.Trace(message) }
