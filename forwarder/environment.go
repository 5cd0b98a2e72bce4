package forwarder

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/forwarder/variable"
)

// environment is what the environment holds, typed but not yet checked.
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
	MaxBytesInFlight   int            `env:"MAXBYTESINFLIGHT"`
	LogLevel           string         `env:"LOGLEVEL"`
	VerboseLevel       int            `env:"VERBOSELEVEL"`
	LogFormat          string         `env:"LOGFORMAT"`
	StatsAddress       string         `env:"STATSADDRESS"`
	ShutdownTimeout    time.Duration  `env:"SHUTDOWNTIMEOUT"`
	WatchdogTimeout    time.Duration  `env:"WATCHDOGTIMEOUT"`
}

// settings picks our variables out of environ, which has the form of os.Environ: names in
// upper case, values trimmed, since a mounted secret ends in a newline. Empty ones are left
// out. Two spellings of a name that disagree are a problem, since which of them is meant
// nobody can know. A value may also come from the file that NAME_FILE names.
func settings(environ []string, problems *problems) map[string]string {
	ours := ourNames()
	problems.hints = variable.Misspelt(environ, ours)
	values, spelled := make(map[string]string), make(map[string]string)
	for _, entry := range environ {
		typed, value, _ := strings.Cut(entry, "=")
		name, value := strings.ToUpper(typed), strings.TrimSpace(value)
		if value == "" || !ours[name] {
			continue
		}
		first, twice := spelled[name]
		if !twice {
			values[name], spelled[name] = value, typed
			continue
		}
		// The same spelling twice is no news to any program: the first one counts.
		if first != typed && values[name] != value {
			problems.say(strings.TrimSuffix(name, fileSuffix), "is set as %s and as %s, to different values: keep one of them", first, typed)
		}
	}
	readFiles(values, problems)
	return values
}

// ourNames are the names that are read, in upper case.
func ourNames() map[string]bool {
	ours := make(map[string]bool)
	for _, v := range variable.Table() {
		ours[v.Name], ours[v.Name+fileSuffix] = true, true
	}
	return ours
}

// parse turns set, with the defaults where it has nothing, into their types.
func parse(set map[string]string, problems *problems) environment {
	all := make(map[string]string)
	for _, v := range variable.Table() {
		all[v.Name] = v.Default
		if value, ok := set[v.Name]; ok {
			all[v.Name] = value
		}
	}
	var e environment
	err := env.ParseWithOptions(&e, env.Options{Environment: all})
	var failed env.AggregateError
	if !errors.As(err, &failed) {
		return e
	}
	for _, one := range failed.Errors {
		// Its text holds the value, so only the name of the field is taken from it.
		var wrong env.ParseError
		if errors.As(one, &wrong) {
			problems.wrong(variableOf(wrong.Name))
		}
	}
	return e
}

// variableOf returns the variable that a field of environment is read from.
func variableOf(field string) string {
	f, _ := reflect.TypeFor[environment]().FieldByName(field)
	return f.Tag.Get("env")
}
