package forwarder

import (
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

const (
	testHub  = "Endpoint=sb://NS.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=hubS3cr3t="
	testBlob = "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=YmxvYlMzY3IzdA==;EndpointSuffix=core.windows.net"
	testSink = "http://falco:9765/k8s-audit"
)

// environ returns a complete environment with changes of the form NAME=value. NAME= removes a variable.
func environ(changes ...string) []string {
	values := map[string]string{
		variable.HubConnection: testHub, variable.HubName: "audit", variable.BlobConnection: testBlob, variable.Container: "checkpoints", variable.SinkURL: testSink,
	}
	var extra []string
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		if _, ok := values[name]; ok {
			values[name] = value
		} else {
			extra = append(extra, change)
		}
	}
	for name, value := range values {
		extra = append(extra, name+"="+value)
	}
	return extra
}

func TestTheRequiredVariablesAreEnough(t *testing.T) {
	cfg, err := Load(append(environ(), "PATH=/bin", "HOME", "=odd"))
	require.NoError(t, err)

	assert.Equal(t, "NS.servicebus.windows.net", cfg.HubConnection.Host)
	assert.Equal(t, "hubS3cr3t=", cfg.HubConnection.Key.Reveal())
	assert.Equal(t, "https://acct.blob.core.windows.net", cfg.Blob.ServiceURL)
	assert.Equal(t, testSink, cfg.SinkURL.String())
	cfg.HubConnection, cfg.Blob, cfg.SinkURL = connstr.HubConnection{}, nil, nil
	want := Config{
		HubName: "audit", ConsumerGroup: "$Default", StartPosition: StartPosition{Kind: StartEarliest},
		HubClient: ClientAzEventHubs, HubTransport: TransportAMQP, HubPrefetch: 0,
		BlobContainerName: "checkpoints", CheckpointInterval: 5 * time.Second,
		Categories:     []string{"kube-audit", "kube-audit-admin"},
		PostMaxRetries: 5, PostRetryDelay: time.Second, PostTimeout: time.Minute, FailurePolicy: FailureHold,
		SinkMaxEventSize: 262_144, PostBatchMaxEvents: 400, PostBatchMaxBytes: 1 << 20, RateLimit: 0, RateBurst: 50, KeepAlive: true,
		SinkReplay: true, SinkSettleTime: 5 * time.Second, SinkBarrier: BarrierAuto,
		MaxBytesInFlight: 64 << 20,
		LogLevel:         logrus.InfoLevel, LogFormat: "", StatsAddress: ":9000", ShutdownTimeout: 25 * time.Second,
		WatchdogTimeout: 5 * time.Minute,
	}
	// assert.Equal would hide the difference, because a printed Config shows no secret.
	assert.True(t, assert.ObjectsAreEqual(want, cfg), "want %v, got %v", want, cfg)
}

func TestEveryVariableSetsItsField(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 500_000_000, time.UTC)
	tests := map[string]struct {
		set  string
		got  func(Config) any
		want any
	}{
		"consumer group":           {"EVENTHUBCONSUMERGROUP=falco", func(c Config) any { return c.ConsumerGroup }, "falco"},
		"earliest":                 {"EVENTHUBSTARTPOSITION=Earliest", func(c Config) any { return c.StartPosition.Kind }, StartEarliest},
		"latest":                   {"EVENTHUBSTARTPOSITION=LATEST", func(c Config) any { return c.StartPosition.Kind }, StartLatest},
		"a time":                   {"EVENTHUBSTARTPOSITION=2026-01-31T12:00:00.5Z", func(c Config) any { return c.StartPosition }, StartPosition{StartAtTime, at}},
		"a time in lower case":     {"EVENTHUBSTARTPOSITION=2026-01-31t12:00:00.5z", func(c Config) any { return c.StartPosition }, StartPosition{StartAtTime, at}},
		"client":                   {"EVENTHUBCLIENT=Azure-Event-Hubs-Go", func(c Config) any { return c.HubClient }, ClientAzureEventHubsGo},
		"client of the default":    {"EVENTHUBCLIENT=AzEventHubs", func(c Config) any { return c.HubClient }, ClientAzEventHubs},
		"transport":                {"EVENTHUBTRANSPORT=WebSocket", func(c Config) any { return c.HubTransport }, TransportWebSocket},
		"authorities":              {"EVENTHUBCAFILE=/ca.pem", func(c Config) any { return c.HubCAFile }, "/ca.pem"},
		"bytes in flight":          {"MAXBYTESINFLIGHT=1048576", func(c Config) any { return c.MaxBytesInFlight }, 1 << 20},
		"prefetch 1":               {"EVENTHUBPREFETCH=1", func(c Config) any { return c.HubPrefetch }, 1},
		"prefetch 300":             {"EVENTHUBPREFETCH=300", func(c Config) any { return c.HubPrefetch }, 300},
		"checkpoint interval":      {"CHECKPOINTINTERVAL=1m30s", func(c Config) any { return c.CheckpointInterval }, 90 * time.Second},
		"cluster name":             {"CLUSTERNAME=On", func(c Config) any { return c.ClusterName }, true},
		"cluster name as in YAML":  {"CLUSTERNAME=true", func(c Config) any { return c.ClusterName }, true},
		"barriers by default":      {"", func(c Config) any { return c.SinkBarrier }, BarrierAuto},
		"barriers on":              {"SINKBARRIER=on", func(c Config) any { return c.SinkBarrier }, BarrierOn},
		"barriers off as in YAML":  {"SINKBARRIER=false", func(c Config) any { return c.SinkBarrier }, BarrierOff},
		"replay off as in YAML":    {"SINKREPLAY=false", func(c Config) any { return c.SinkReplay }, false},
		"no cluster name":          {"CLUSTERNAME=OFF", func(c Config) any { return c.ClusterName }, false},
		"a category":               {"CATEGORIES=Kube-Audit-Admin", func(c Config) any { return c.Categories }, []string{"Kube-Audit-Admin"}},
		"categories":               {"CATEGORIES= kube-audit , ,other1,", func(c Config) any { return c.Categories }, []string{"kube-audit", "other1"}},
		"events in a batch":        {"POSTBATCHMAXEVENTS=1", func(c Config) any { return c.PostBatchMaxEvents }, 1},
		"bytes in a batch":         {"POSTBATCHMAXBYTES=10485760", func(c Config) any { return c.PostBatchMaxBytes }, 10 << 20},
		"largest event":            {"SINKMAXEVENTSIZE=1024", func(c Config) any { return c.SinkMaxEventSize }, 1024},
		"retries":                  {"POSTMAXRETRIES=0", func(c Config) any { return c.PostMaxRetries }, 0},
		"delay in milliseconds":    {"POSTRETRYINCREMENTALDELAY=250", func(c Config) any { return c.PostRetryDelay }, 250 * time.Millisecond},
		"post timeout":             {"POSTTIMEOUT=5s", func(c Config) any { return c.PostTimeout }, 5 * time.Second},
		"drop":                     {"POSTFAILUREPOLICY=Drop", func(c Config) any { return c.FailurePolicy }, FailureDrop},
		"rate":                     {"RATELIMITEREVENTSPERSECONDS=0.5", func(c Config) any { return c.RateLimit }, 0.5},
		"rate 0":                   {"RATELIMITEREVENTSPERSECONDS=0", func(c Config) any { return c.RateLimit }, 0.0},
		"burst":                    {"RATELIMITERBURST=1", func(c Config) any { return c.RateBurst }, 1},
		"keep-alive off":           {"KEEPALIVE=false", func(c Config) any { return c.KeepAlive }, false},
		"keep-alive off, as .NET":  {"KeepAlive=False", func(c Config) any { return c.KeepAlive }, false},
		"level":                    {"LOGLEVEL=TRACE", func(c Config) any { return c.LogLevel }, logrus.TraceLevel},
		"level panic":              {"LOGLEVEL=panic", func(c Config) any { return c.LogLevel }, logrus.PanicLevel},
		"format text":              {"LOGFORMAT=text", func(c Config) any { return c.LogFormat }, "text"},
		"format json":              {"LOGFORMAT=JSON", func(c Config) any { return c.LogFormat }, "json"},
		"statistics address":       {"STATSADDRESS=127.0.0.1:0", func(c Config) any { return c.StatsAddress }, "127.0.0.1:0"},
		"shutdown":                 {"SHUTDOWNTIMEOUT=1s", func(c Config) any { return c.ShutdownTimeout }, time.Second},
		"watchdog":                 {"WATCHDOGTIMEOUT=1s", func(c Config) any { return c.WatchdogTimeout }, time.Second},
		"no watchdog":              {"WATCHDOGTIMEOUT=0", func(c Config) any { return c.WatchdogTimeout }, time.Duration(0)},
		"white space around":       {"SHUTDOWNTIMEOUT= 1s\r\n", func(c Config) any { return c.ShutdownTimeout }, time.Second},
		"empty means default":      {"SHUTDOWNTIMEOUT=", func(c Config) any { return c.ShutdownTimeout }, 25 * time.Second},
		"white space is empty":     {"SHUTDOWNTIMEOUT= \n", func(c Config) any { return c.ShutdownTimeout }, 25 * time.Second},
		"verbose 1":                {"VerboseLevel=1", func(c Config) any { return c.LogLevel }, logrus.ErrorLevel},
		"verbose 2":                {"VerboseLevel=2", func(c Config) any { return c.LogLevel }, logrus.InfoLevel},
		"verbose 3":                {"VerboseLevel=3", func(c Config) any { return c.LogLevel }, logrus.DebugLevel},
		"verbose 4":                {"VERBOSELEVEL=4", func(c Config) any { return c.LogLevel }, logrus.TraceLevel},
		"sink with user and query": {"WEBSINKURL=https://u:p@h/?t=1", func(c Config) any { return c.SinkURL.String() }, "https://u:p@h/?t=1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, err := Load(environ(test.set))
			require.NoError(t, err)
			assert.Equal(t, test.want, test.got(cfg))
		})
	}
}

func TestLogLevelWinsOverVerboseLevel(t *testing.T) {
	cfg, err := Load(environ("LOGLEVEL=warn", "VerboseLevel=4"))
	require.NoError(t, err)
	assert.Equal(t, logrus.WarnLevel, cfg.LogLevel)
}

func TestAWrongVariableIsReportedWithItsValueAndTheValidValues(t *testing.T) {
	tests := map[string]struct{ set, want string }{
		"hub name":              {"EVENTHUBNAME=a/b", `EVENTHUBNAME is "a/b": it should be the name of an event hub`},
		"consumer group":        {"EVENTHUBCONSUMERGROUP=$other", `EVENTHUBCONSUMERGROUP is "$other": it should be $Default or`},
		"start position":        {"EVENTHUBSTARTPOSITION=yesterday", `EVENTHUBSTARTPOSITION is "yesterday": it should be earliest, latest, or`},
		"container":             {"BLOBCONTAINERNAME=My_Container", `BLOBCONTAINERNAME is "My_Container": it should be the name of a blob container`},
		"interval 0":            {"CHECKPOINTINTERVAL=0s", `CHECKPOINTINTERVAL is "0s": it should be a duration above 0`},
		"interval without unit": {"CHECKPOINTINTERVAL=5", `CHECKPOINTINTERVAL is "5": it should be a duration above 0`},
		"sink scheme":           {"WEBSINKURL=falco:9765/k8s-audit", `WEBSINKURL is "falco:9765/k8s-audit": it should be an http:// or https:// URL with a host`},
		"sink without host":     {"WEBSINKURL=http:///k8s-audit", `WEBSINKURL is "http:///k8s-audit": it should be`},
		"sink port":             {"WEBSINKURL=http://falco:99999/", `WEBSINKURL is "http://falco:99999/": it should be`},
		"cluster name":          {"CLUSTERNAME=prod", `CLUSTERNAME is "prod": it should be on or off`},
		"no category":           {"CATEGORIES=,", `CATEGORIES is ",": it should be names of log categories`},
		"odd categories":        {"CATEGORIES=kube-audit;guard", `CATEGORIES is "kube-audit;guard": it should be names`},
		"nothing in flight":     {"MAXBYTESINFLIGHT=1048575", `MAXBYTESINFLIGHT is "1048575": it should be a whole number of bytes from 1048576`},
		"no event in a batch":   {"POSTBATCHMAXEVENTS=0", `POSTBATCHMAXEVENTS is "0": it should be a whole number from 1`},
		"a batch of nothing":    {"POSTBATCHMAXBYTES=1023", `POSTBATCHMAXBYTES is "1023": it should be a whole number of bytes from 1024`},
		"a batch over Falco's":  {"POSTBATCHMAXBYTES=10485761", `POSTBATCHMAXBYTES is "10485761": it should be`},
		"largest event":         {"SINKMAXEVENTSIZE=1023", `SINKMAXEVENTSIZE is "1023": it should be a whole number of bytes from 1024`},
		"event over a request":  {"SINKMAXEVENTSIZE=12000001", `SINKMAXEVENTSIZE is "12000001": it should be`},
		"retries":               {"POSTMAXRETRIES=-1", `POSTMAXRETRIES is "-1": it should be a whole number from 0 to`},
		"retries in words":      {"POSTMAXRETRIES=five", `POSTMAXRETRIES is "five": it should be a whole number from 0 to`},
		"too many retries":      {"POSTMAXRETRIES=1000001", `POSTMAXRETRIES is "1000001": it should be`},
		"delay as a duration":   {"POSTRETRYINCREMENTALDELAY=1s", `POSTRETRYINCREMENTALDELAY is "1s": it should be a whole number of milliseconds`},
		"delay below 0":         {"POSTRETRYINCREMENTALDELAY=-1", `POSTRETRYINCREMENTALDELAY is "-1": it should be`},
		"delay over an hour":    {"POSTRETRYINCREMENTALDELAY=3600001", `POSTRETRYINCREMENTALDELAY is "3600001": it should be`},
		"post timeout":          {"POSTTIMEOUT=-1s", `POSTTIMEOUT is "-1s": it should be a duration above 0`},
		"policy":                {"POSTFAILUREPOLICY=ignore", `POSTFAILUREPOLICY is "ignore": it should be hold or drop`},
		"rate":                  {"RATELIMITEREVENTSPERSECONDS=-1", `RATELIMITEREVENTSPERSECONDS is "-1": it should be a number from 0`},
		"rate not a number":     {"RATELIMITEREVENTSPERSECONDS=NaN", `RATELIMITEREVENTSPERSECONDS is "NaN": it should be`},
		"rate without end":      {"RATELIMITEREVENTSPERSECONDS=inf", `RATELIMITEREVENTSPERSECONDS is "inf": it should be`},
		"burst":                 {"RATELIMITERBURST=0", `RATELIMITERBURST is "0": it should be a whole number from 1 up`},
		"keep-alive":            {"KEEPALIVE=yes", `KEEPALIVE is "yes": it should be true or false`},
		"barrier":               {"SINKBARRIER=maybe", `SINKBARRIER is "maybe": it should be auto, on or off`},
		"replay":                {"SINKREPLAY=maybe", `SINKREPLAY is "maybe": it should be on or off`},
		"settle time":           {"SINKSETTLETIME=-1s", `SINKSETTLETIME is "-1s": it should be a duration from 0 up`},
		"level":                 {"LOGLEVEL=loud", `LOGLEVEL is "loud": it should be panic, fatal,`},
		"verbose 0":             {"VerboseLevel=0", `VERBOSELEVEL is "0": it should be 1, 2, 3 or 4`},
		"verbose 5":             {"VerboseLevel=5", `VERBOSELEVEL is "5": it should be 1, 2, 3 or 4`},
		"format":                {"LOGFORMAT=xml", `LOGFORMAT is "xml": it should be text or json`},
		"address without colon": {"STATSADDRESS=9000", `STATSADDRESS is "9000": it should be [host]:port`},
		"address port":          {"STATSADDRESS=:65536", `STATSADDRESS is ":65536": it should be [host]:port`},
		"watchdog below 1 s":    {"WATCHDOGTIMEOUT=999ms", `WATCHDOGTIMEOUT is "999ms": it should be 0 or a duration from 1s up`},
		"watchdog below 0":      {"WATCHDOGTIMEOUT=-5m", `WATCHDOGTIMEOUT is "-5m": it should be 0 or a duration from 1s up`},
		"shutdown":              {"SHUTDOWNTIMEOUT=0", `SHUTDOWNTIMEOUT is "0": it should be a duration above 0`},
		"long values are cut":   {"LOGLEVEL=" + strings.Repeat("x", 200), `LOGLEVEL is "` + strings.Repeat("x", 80) + `"... (200 characters): it`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Load(environ(test.set))
			require.ErrorContains(t, err, test.want)
			assert.Equal(t, 1, strings.Count(err.Error(), "\n"), "one line: %v", err)
		})
	}
}

func TestAllProblemsAreReportedInOneErrorInTheOrderOfTheTable(t *testing.T) {
	_, err := Load([]string{"SHUTDOWNTIMEOUT=soon", "EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://a.b/", "POSTMAXRETRIES=x"})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 8, err)
	assert.Equal(t, "configuration: 7 environment variables are wrong or missing", lines[0])
	starts := []string{
		"  EHUBNAMESPACECONNECTIONSTRING is (set, 18 characters): SharedAccessKeyName, SharedAccessKey are missing in it; it should be Endpoint=",
		"  EVENTHUBNAME is not set: it should be ",
		"  BLOBSTORAGECONNECTIONSTRING is not set: it should be ",
		"  BLOBCONTAINERNAME is not set: it should be ",
		"  WEBSINKURL is not set: it should be ",
		`  POSTMAXRETRIES is "x": it should be `,
		`  SHUTDOWNTIMEOUT is "soon": it should be `,
	}
	for i, start := range starts {
		assert.True(t, strings.HasPrefix(lines[i+1], start), "%q should start with %q", lines[i+1], start)
	}
	assert.Contains(t, lines[3], "CHECKPOINTDIR")
	assert.Contains(t, lines[4], "CHECKPOINTDIR")
}

func TestAnEmptyEnvironmentNamesEveryRequiredVariable(t *testing.T) {
	_, err := Load(nil)
	for _, v := range variable.Table() {
		if v.Need == variable.Optional && v.Name != variable.CheckpointDir {
			assert.NotContains(t, err.Error(), "\n  "+v.Name+" ")
		} else {
			assert.ErrorContains(t, err, v.Name)
		}
	}
}

func TestNoSecretReachesAnError(t *testing.T) {
	const secret = "s3cr3t"
	tests := map[string]string{
		"hub connection string":         "EHUBNAMESPACECONNECTIONSTRING=" + secret,
		"blob connection string":        "BLOBSTORAGECONNECTIONSTRING=AccountName=acct;AccountKey=!" + secret,
		"password of a wrong sink":      "WEBSINKURL=ftp://user:" + secret + "@falco/",
		"token of a wrong sink":         "WEBSINKURL=ftp://falco/?token=" + secret,
		"password without a scheme":     "WEBSINKURL=user:" + secret + "@falco",
		"a sink that is no URL":         "WEBSINKURL=http://u:" + secret + "%zz@falco",
		"a connection string elsewhere": "EVENTHUBNAME=Endpoint=sb://a.b/;SharedAccessKeyName=k;SharedAccessKey=" + secret,
		"a storage string elsewhere":    "BLOBCONTAINERNAME=AccountName=acct;AccountKey=" + secret,
		"a signature elsewhere":         "BLOBCONTAINERNAME=sv=1&sig=" + secret,
		"a hub key elsewhere":           "EVENTHUBNAMESPACE=Endpoint=sb://a.b/;SharedAccessKeyName=k;SharedAccessKey=" + secret,
		"a signature in the blob URL":   "BLOBSTORAGEURL=https://acct.blob.core.windows.net/?sv=1&sig=" + secret,
	}
	for name, set := range tests {
		t.Run(name, func(t *testing.T) {
			name, value, _ := strings.Cut(set, "=")
			_, err := Load(inPlace(name, value))
			require.Error(t, err)
			assert.NotContains(t, err.Error(), secret)
			assert.Regexp(t, `is \(set, \d+ characters\)`, err.Error())
		})
	}
}

func TestTheCaseOfNamesDoesNotMatter(t *testing.T) {
	cfg, err := Load([]string{
		"EhubNamespaceConnectionString=" + testHub, "EventHubName=audit", "BlobStorageConnectionString=" + testBlob,
		"BlobContainerName=checkpoints", "WebSinkURL=" + testSink, "VerboseLevel=3", "postmaxretries=7",
	})
	require.NoError(t, err)
	assert.Equal(t, "audit", cfg.HubName)
	assert.Equal(t, 7, cfg.PostMaxRetries)
	assert.Equal(t, logrus.DebugLevel, cfg.LogLevel)
}

func TestTwoSpellingsOfOneNameMustAgree(t *testing.T) {
	_, err := Load(environ("WebSinkURL=http://other/"))
	require.Error(t, err)
	assert.Regexp(t, `(?m)^  WEBSINKURL is set as (WEBSINKURL and as WebSinkURL|WebSinkURL and as WEBSINKURL), to different values: keep one of them$`, err)

	cfg, err := Load(environ("WebSinkURL="+testSink+"\n", "websinkurl="))
	require.NoError(t, err, "equal but for white space, and empty")
	assert.Equal(t, testSink, cfg.SinkURL.String())

	cfg, err = Load(append([]string{"LOGLEVEL=warn", "LOGLEVEL=debug"}, environ()...))
	require.NoError(t, err, "one spelling twice: the first one counts, as for os.Getenv")
	assert.Equal(t, logrus.WarnLevel, cfg.LogLevel)
}

func TestTheHubComesFromItsNameOrTheEntityPath(t *testing.T) {
	withEntity := "EHUBNAMESPACECONNECTIONSTRING=" + testHub + ";EntityPath=Audit"
	cfg, err := Load(environ(withEntity, "EVENTHUBNAME="))
	require.NoError(t, err)
	assert.Equal(t, "Audit", cfg.HubName)

	cfg, err = Load(environ(withEntity, "EVENTHUBNAME=AUDIT"))
	require.NoError(t, err, "the service ignores the case")
	assert.Equal(t, "AUDIT", cfg.HubName)

	_, err = Load(environ(withEntity, "EVENTHUBNAME=other"))
	require.ErrorContains(t, err, `EVENTHUBNAME is "other", but the EntityPath in EHUBNAMESPACECONNECTIONSTRING is "Audit"`)

	_, err = Load(environ(withEntity+"/x", "EVENTHUBNAME="))
	require.ErrorContains(t, err, "its EntityPath cannot be the name of an event hub")
}

func TestCheckpointsAreInBlobsOrInAFolder(t *testing.T) {
	const dir = "CHECKPOINTDIR=/var/lib/checkpoints"
	cfg, err := Load(environ(dir, "BLOBSTORAGECONNECTIONSTRING=", "BLOBCONTAINERNAME="))
	require.NoError(t, err)
	assert.Nil(t, cfg.Blob)
	assert.Empty(t, cfg.BlobContainerName)
	assert.Equal(t, "/var/lib/checkpoints", cfg.CheckpointDir)

	_, err = Load(environ(dir))
	require.ErrorContains(t, err, "CHECKPOINTDIR is set beside BLOBSTORAGECONNECTIONSTRING and BLOBCONTAINERNAME: choose one")
	_, err = Load(environ(dir, "BLOBSTORAGECONNECTIONSTRING="))
	require.ErrorContains(t, err, "CHECKPOINTDIR is set beside BLOBCONTAINERNAME: choose one")
	_, err = Load(environ(dir, "BLOBSTORAGECONNECTIONSTRING=", "BLOBSTORAGEURL=https://a.b"))
	require.ErrorContains(t, err, "CHECKPOINTDIR is set beside BLOBSTORAGEURL and BLOBCONTAINERNAME: choose one")
	_, err = Load(environ("BLOBSTORAGECONNECTIONSTRING="))
	require.ErrorContains(t, err, "BLOBSTORAGECONNECTIONSTRING is not set")
	assert.NotContains(t, err.Error(), "BLOBCONTAINERNAME")
}

func TestFalcosOldPortIsAWarning(t *testing.T) {
	cfg, err := Load(environ("WEBSINKURL=http://user:s3cr3t@localhost:8765/k8s-audit"))
	require.NoError(t, err)
	require.Len(t, cfg.Warnings, 1)
	assert.Contains(t, cfg.Warnings[0], "8765")
	assert.Contains(t, cfg.Warnings[0], "9765")
	assert.NotContains(t, cfg.Warnings[0], "s3cr3t")
}

func TestACategoryWithoutAuditEventsIsAWarning(t *testing.T) {
	cfg, err := Load(environ("CATEGORIES=KUBE-AUDIT,guard"))
	require.NoError(t, err)
	require.Len(t, cfg.Warnings, 1)
	assert.Contains(t, cfg.Warnings[0], "guard")
	assert.NotContains(t, cfg.Warnings[0], "KUBE-AUDIT")
}

func TestANameThatIsNoCategoryIsAWarning(t *testing.T) {
	for name, says := range map[string]string{
		"allLogs":          "one of Azure's category groups and not a category",
		"ALLLOGS":          "one of Azure's category groups and not a category",
		"audit":            "one of Azure's category groups and not a category",
		"kube-audits":      "not known as a log category of AKS",
		"none":             "not known as a log category of AKS",
		"other":            "not known as a log category of AKS",
		"karpenter-events": "whose records are no audit events",
	} {
		for _, beside := range []string{"", "kube-audit,"} {
			cfg, err := Load(environ("CATEGORIES=" + beside + name))
			require.NoError(t, err)
			require.Len(t, cfg.Warnings, 1, name)
			assert.Contains(t, cfg.Warnings[0], "CATEGORIES has "+name+", wh")
			assert.Contains(t, cfg.Warnings[0], says)
			assert.Contains(t, cfg.Categories, name, "it is allowed")
		}
	}
	for _, good := range []string{"kube-audit", "kube-audit-admin", "Kube-Audit,KUBE-AUDIT-ADMIN", ""} {
		cfg, err := Load(environ("CATEGORIES=" + good))
		require.NoError(t, err)
		assert.Empty(t, cfg.Warnings, good)
	}
}

func TestAReplayThatCannotNoticeEveryLossIsAWarning(t *testing.T) {
	cfg, err := Load(environ("KEEPALIVE=false"))
	require.NoError(t, err)
	require.Len(t, cfg.Warnings, 1)
	assert.Contains(t, cfg.Warnings[0], "replaced between two POSTs")
	for _, intended := range []string{"SINKREPLAY=off", "SINKSETTLETIME=0"} {
		cfg, err := Load(environ("KEEPALIVE=false", intended))
		require.NoError(t, err)
		assert.Empty(t, cfg.Warnings, intended)
	}
}

func TestTheHostNamesOfTheStatusPageAreChecked(t *testing.T) {
	cfg, err := Load(environ("STATSHOSTS=audit.example.com, A-b_c.internal,"))
	require.NoError(t, err)
	assert.Equal(t, []string{"audit.example.com", "A-b_c.internal"}, cfg.StatsHosts)
	for _, wrong := range []string{"*", "https://audit.example.com", "audit.example.com:443", "a b", ".example.com"} {
		_, err = Load(environ("STATSHOSTS=" + wrong))
		assert.ErrorContains(t, err, "STATSHOSTS is", wrong)
	}
}

func TestTheAddressOfTheRunbookIsChecked(t *testing.T) {
	cfg, err := Load(environ("RUNBOOKURL=https://git.example.com/blob/main/"))
	require.NoError(t, err)
	assert.Equal(t, "https://git.example.com/blob/main", cfg.RunbookURL)
	for _, wrong := range []string{"docs", "javascript:alert(1)", "https://a:b@git.example.com", "https://git.example.com/?a=b", "https:///x", "https://a/#b"} {
		_, err = Load(environ("RUNBOOKURL=" + wrong))
		assert.ErrorContains(t, err, "RUNBOOKURL is", wrong)
	}
}

func TestProfilesAreServedOnTheLoopbackInterfaceUnlessAnotherIsNamed(t *testing.T) {
	for set, want := range map[string]string{
		"": "", "6060": "127.0.0.1:6060", ":6060": "127.0.0.1:6060", "127.0.0.1:6060": "127.0.0.1:6060",
		"localhost:6060": "localhost:6060", "[::1]:6060": "[::1]:6060",
	} {
		cfg, err := Load(environ("PPROFADDRESS=" + set))
		require.NoError(t, err, set)
		assert.Equal(t, want, cfg.PprofAddress)
		assert.Empty(t, cfg.Warnings, set)
	}
	for _, set := range []string{"0.0.0.0:6060", "[::]:6060", "10.0.0.1:6060", "pod.example.com:6060"} {
		cfg, err := Load(environ("PPROFADDRESS=" + set))
		require.NoError(t, err, set)
		assert.Equal(t, set, cfg.PprofAddress)
		require.Len(t, cfg.Warnings, 1, set)
		assert.Contains(t, cfg.Warnings[0], "PPROFADDRESS is no loopback address", set)
	}
	for _, wrong := range []string{"on", "localhost", "6060/debug", "127.0.0.1", "::1", "70000"} {
		_, err := Load(environ("PPROFADDRESS=" + wrong))
		assert.ErrorContains(t, err, "PPROFADDRESS is", wrong)
	}
}
