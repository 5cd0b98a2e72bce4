package forwarder

import (
	"cmp"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

// environment holds the variables, parsed into their types but not yet checked.
type environment struct {
	HubConnection      string         `env:"EHUBNAMESPACECONNECTIONSTRING"`
	HubNamespace       string         `env:"EVENTHUBNAMESPACE"`
	HubName            string         `env:"EVENTHUBNAME"`
	ConsumerGroup      string         `env:"EVENTHUBCONSUMERGROUP"`
	StartPosition      string         `env:"EVENTHUBSTARTPOSITION"`
	HubClient          string         `env:"EVENTHUBCLIENT"`
	HubTransport       string         `env:"EVENTHUBTRANSPORT"`
	HubCAFile          string         `env:"EVENTHUBCAFILE"`
	HubPrefetch        int            `env:"EVENTHUBPREFETCH"`
	BlobConnection     string         `env:"BLOBSTORAGECONNECTIONSTRING"`
	BlobURL            string         `env:"BLOBSTORAGEURL"`
	Container          string         `env:"BLOBCONTAINERNAME"`
	CheckpointDir      string         `env:"CHECKPOINTDIR"`
	CheckpointInterval time.Duration  `env:"CHECKPOINTINTERVAL"`
	ClusterName        string         `env:"CLUSTERNAME"`
	Categories         string         `env:"CATEGORIES"`
	SinkURL            string         `env:"WEBSINKURL"`
	SinkCAFile         string         `env:"WEBSINKCAFILE"`
	SinkCertFile       string         `env:"WEBSINKCERTFILE"`
	SinkKeyFile        string         `env:"WEBSINKKEYFILE"`
	SinkToken          connstr.Secret `env:"WEBSINKTOKEN"`
	SinkTokenFile      string         `env:"WEBSINKTOKENFILE"`
	MaxEventSize       int            `env:"SINKMAXEVENTSIZE"`
	BatchEvents        int            `env:"POSTBATCHMAXEVENTS"`
	BatchBytes         int            `env:"POSTBATCHMAXBYTES"`
	MaxRetries         int            `env:"POSTMAXRETRIES"`
	RetryDelay         int            `env:"POSTRETRYINCREMENTALDELAY"`
	PostTimeout        time.Duration  `env:"POSTTIMEOUT"`
	FailurePolicy      string         `env:"POSTFAILUREPOLICY"`
	RateLimit          float64        `env:"RATELIMITEREVENTSPERSECONDS"`
	RateBurst          int            `env:"RATELIMITERBURST"`
	KeepAlive          bool           `env:"KEEPALIVE"`
	SinkReplay         string         `env:"SINKREPLAY"`
	SinkSettleTime     time.Duration  `env:"SINKSETTLETIME"`
	SinkBarrier        string         `env:"SINKBARRIER"`
	MaxBytesInFlight   int            `env:"MAXBYTESINFLIGHT"`
	LogLevel           string         `env:"LOGLEVEL"`
	VerboseLevel       int            `env:"VERBOSELEVEL"`
	LogFormat          string         `env:"LOGFORMAT"`
	StatsAddress       string         `env:"STATSADDRESS"`
	StatsHosts         string         `env:"STATSHOSTS"`
	RunbookURL         string         `env:"RUNBOOKURL"`
	PprofAddress       string         `env:"PPROFADDRESS"`
	ShutdownTimeout    time.Duration  `env:"SHUTDOWNTIMEOUT"`
	WatchdogTimeout    time.Duration  `env:"WATCHDOGTIMEOUT"`
}

// readVariables copies the variables that the daemon knows from environ into values, by their names in upper case.
// environ has the form of os.Environ. Values are trimmed, because a mounted Secret ends in a newline, and empty ones
// are left out. Two spellings of one name with different values are a problem, because either could be the intended
// one.
func readVariables(environ []string, values map[string]string, problems *problems) {
	known, spellings := knownNames(), make(map[string]string)
	for _, entry := range environ {
		spelling, value, _ := strings.Cut(entry, "=")
		name, value := strings.ToUpper(spelling), strings.TrimSpace(value)
		if value == "" || !known[name] {
			continue
		}
		first, twice := spellings[name]
		if !twice {
			values[name], spellings[name] = value, spelling
			continue
		}
		// The same spelling twice is not reported: the first one counts, as in any program.
		if first != spelling && values[name] != value {
			problems.add(strings.TrimSuffix(name, fileSuffix), "is set as %s and as %s, to different values: keep one of them", first, spelling)
		}
	}
}

// knownNames returns the names of the daemon's variables and of their NAME_FILE forms, in upper case.
func knownNames() map[string]bool {
	known := make(map[string]bool)
	for _, v := range variable.Table() {
		known[v.Name], known[v.Name+fileSuffix] = true, true
	}
	return known
}

func parse(values map[string]string, problems *problems) environment {
	all := make(map[string]string)
	for _, v := range variable.Table() {
		all[v.Name] = cmp.Or(values[v.Name], v.Default)
	}
	var e environment
	err := env.ParseWithOptions(&e, env.Options{Environment: all})
	var failed env.AggregateError
	if !errors.As(err, &failed) {
		return e
	}
	for _, failure := range failed.Errors {
		// The error text includes the value, so only the name of the field is used.
		var wrong env.ParseError
		if errors.As(failure, &wrong) {
			problems.wrong(variableOf(wrong.Name))
		}
	}
	return e
}

func variableOf(field string) string {
	f, _ := reflect.TypeFor[environment]().FieldByName(field)
	return f.Tag.Get("env")
}
