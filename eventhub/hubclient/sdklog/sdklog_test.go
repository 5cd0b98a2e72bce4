package sdklog

import (
	"testing"

	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
)

func TestTheLevelDecidesWhichMessagesOfAzuresLogAreListenedTo(t *testing.T) {
	assert.Equal(t, []azlog.Event{azeventhubs.EventConn}, azureEvents(logrus.InfoLevel))
	assert.NotContains(t, azureEvents(logrus.DebugLevel), azeventhubs.EventConsumer)
	assert.Contains(t, azureEvents(logrus.TraceLevel), azeventhubs.EventConsumer)
}

func TestASignatureDoesNotReachTheLog(t *testing.T) {
	log, hook := logtest.NewNullLogger()
	log.SetLevel(logrus.TraceLevel)
	for _, event := range []azlog.Event{azeventhubs.EventAuth, azeventhubs.EventConsumer, azidentity.EventAuthentication} {
		writeAzureLog(log, event, "token SharedAccessSignature sr=a&sig=s3cr3t%3d&se=1 is not good")
		assert.Equal(t, "token SharedAccessSignature sr=a&sig=(redacted)&se=1 is not good", hook.LastEntry().Message)
		writeAzureLog(log, event, "token eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl is not good")
		assert.Equal(t, "token (redacted) is not good", hook.LastEntry().Message)
	}
}

func TestAWatchIsToldOfTheLinksOfItsPartition(t *testing.T) {
	attached := 0
	watch := WatchLinks("7", func() { attached++ })
	opened := func(event azlog.Event, partition string) {
		openLinks.note(event, "(c:1): Succesfully created link for partition ID '"+partition+"'") //nolint:misspell // as the SDK spells it
	}
	opened(azeventhubs.EventConn, "6")
	opened(azeventhubs.EventConsumer, "7")
	openLinks.note(azeventhubs.EventConn, "(c:1): Failed to create link for partition ID '7': no")
	assert.Zero(t, watch.Opened())
	opened(azeventhubs.EventConn, "7")
	opened(azeventhubs.EventConn, "7")
	assert.Equal(t, int64(2), watch.Opened())
	other := WatchLinks("7", func() {})
	opened(azeventhubs.EventConn, "7")
	opened(azeventhubs.EventConn, "7")
	assert.Equal(t, int64(2), watch.Opened(), "it may have been the other's")
	assert.Equal(t, int64(1), other.Opened())
	other.Forget()
	watch.Forget()
	opened(azeventhubs.EventConn, "7")
	assert.Equal(t, int64(2), watch.Opened())
	assert.Equal(t, 4, attached)
}
