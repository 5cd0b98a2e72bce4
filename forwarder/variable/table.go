package variable

// The names of the variables, in the order of Table.
const (
	// HubConnection and the following are the address of the hub and how to read it.
	HubConnection = "EHUBNAMESPACECONNECTIONSTRING"
	HubNamespace  = "EVENTHUBNAMESPACE"
	HubName       = "EVENTHUBNAME"
	ConsumerGroup = "EVENTHUBCONSUMERGROUP"
	StartPosition = "EVENTHUBSTARTPOSITION"
	HubClient     = "EVENTHUBCLIENT"
	HubTransport  = "EVENTHUBTRANSPORT"
	HubCAFile     = "EVENTHUBCAFILE"
	HubPrefetch   = "EVENTHUBPREFETCH"

	// BlobConnection and the following are about where and how often checkpoints are stored.
	BlobConnection     = "BLOBSTORAGECONNECTIONSTRING"
	BlobURL            = "BLOBSTORAGEURL"
	Container          = "BLOBCONTAINERNAME"
	CheckpointDir      = "CHECKPOINTDIR"
	CheckpointInterval = "CHECKPOINTINTERVAL"

	// ClusterName and Categories say which records are audit events, and what is added to them.
	ClusterName = "CLUSTERNAME"
	Categories  = "CATEGORIES"

	// SinkURL and the following are the address of the sink, how to sign in there, and what it takes.
	SinkURL       = "WEBSINKURL"
	SinkCAFile    = "WEBSINKCAFILE"
	SinkCertFile  = "WEBSINKCERTFILE"
	SinkKeyFile   = "WEBSINKKEYFILE"
	SinkToken     = "WEBSINKTOKEN"
	SinkTokenFile = "WEBSINKTOKENFILE"
	MaxEventSize  = "SINKMAXEVENTSIZE"

	// BatchEvents and the following are about batches, retries, the rate limit, and redelivery.
	BatchEvents   = "POSTBATCHMAXEVENTS"
	BatchBytes    = "POSTBATCHMAXBYTES"
	MaxRetries    = "POSTMAXRETRIES"
	RetryDelay    = "POSTRETRYINCREMENTALDELAY"
	PostTimeout   = "POSTTIMEOUT"
	FailurePolicy = "POSTFAILUREPOLICY"
	RateLimit     = "RATELIMITEREVENTSPERSECONDS"
	RateBurst     = "RATELIMITERBURST"
	KeepAlive     = "KEEPALIVE"
	SinkReplay    = "SINKREPLAY"
	SettleTime    = "SINKSETTLETIME"
	SinkBarrier   = "SINKBARRIER"

	// MaxBytesInFlight and the following are about the whole process.
	MaxBytesInFlight = "MAXBYTESINFLIGHT"
	LogLevel         = "LOGLEVEL"
	VerboseLevel     = "VERBOSELEVEL"
	LogFormat        = "LOGFORMAT"
	StatsAddress     = "STATSADDRESS"
	StatsHosts       = "STATSHOSTS"
	RunbookURL       = "RUNBOOKURL"
	PprofAddress     = "PPROFADDRESS"
	ShutdownTimeout  = "SHUTDOWNTIMEOUT"
	WatchdogTimeout  = "WATCHDOGTIMEOUT"
)

// Table returns every variable that the daemon reads, in the order of the documents. It is the only source of names,
// defaults and help texts.
func Table() []Variable {
	var all []Variable
	all = append(all, hubVariables()...)
	all = append(all, checkpointVariables()...)
	all = append(all, eventVariables()...)
	all = append(all, sinkVariables()...)
	all = append(all, postVariables()...)
	return append(all, processVariables()...)
}

func hubVariables() []Variable {
	return []Variable{
		{
			Name: HubConnection, Need: RequiredUnlessNamespace, Secret: true,
			Help:    "Connection string of the Event Hubs namespace or of the hub, with a policy that may listen.",
			Wants:   "Endpoint=sb://<namespace>.servicebus.windows.net/;SharedAccessKeyName=<name>;SharedAccessKey=<key>, with ;EntityPath=<hub> or without",
			Example: "Endpoint=sb://my-namespace.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=cmVwbGFjZS13aXRoLXlvdXIta2V5",
		},
		{
			Name: HubNamespace, DefaultMeans: "taken from the connection string",
			Help:    "Host name of the Event Hubs namespace, in place of its connection string: Microsoft Entra ID is used, no key.",
			Wants:   "a host name with dots, host[:port], like my-namespace.servicebus.windows.net",
			Example: "my-namespace.servicebus.windows.net",
		},
		{
			Name: HubName, Need: Required,
			Help:    "The event hub that the AKS diagnostic setting writes to; may be left out where the connection string has an EntityPath.",
			Wants:   "the name of an event hub: 1 to 256 letters, digits, dots, dashes and underscores, beginning and ending with a letter or digit",
			Example: "insights-logs-kube-audit",
		},
		{
			Name: ConsumerGroup, Default: "$Default",
			Help:    "The hub's consumer group. Give every other reader of the hub a group of its own.",
			Wants:   "$Default or the name of a consumer group: 1 to 50 letters, digits, dots, dashes and underscores",
			Example: "falco",
		},
		{
			Name: StartPosition, Default: "earliest",
			Help:    "Where to start in a partition that has no checkpoint.",
			Wants:   "earliest, latest, or a time in RFC 3339 form like 2026-01-31T12:00:00Z",
			Example: "latest",
		},
		{
			Name: HubClient, Default: "azeventhubs",
			Help:    "The library that talks to the hub; the second one is retired.",
			Wants:   "azeventhubs or azure-event-hubs-go",
			Example: "azure-event-hubs-go",
		},
		{
			Name: HubTransport, Default: "amqp",
			Help:    "How to get to the hub: amqp on port 5671, or websocket on port 443 and through HTTPS_PROXY.",
			Wants:   "amqp or websocket",
			Example: "websocket",
		},
		{
			Name: HubCAFile, DefaultMeans: "the system's authorities only",
			Help:    "A PEM file with authorities that may sign the hub's certificate, in addition to the system's.",
			Wants:   "the path of a PEM file with certificates",
			Example: "/etc/aks-audit-log/hub-ca.pem",
		},
		{
			Name: HubPrefetch, DefaultMeans: "automatic",
			Help:    "How many hub events of up to 1 MB a partition asks for ahead.",
			Wants:   "a whole number from 1 to 300",
			Example: "32",
		},
	}
}

func checkpointVariables() []Variable {
	return []Variable{
		{
			Name: BlobConnection, Need: RequiredUnlessURL, Secret: true,
			Help: "Connection string of the storage account that keeps the checkpoints.",
			Wants: "AccountName=<name>;AccountKey=<key>[;EndpointSuffix=<suffix>], BlobEndpoint=<url> with AccountName and AccountKey or " +
				"with SharedAccessSignature, or UseDevelopmentStorage=true",
			Example: "DefaultEndpointsProtocol=https;AccountName=mystorageaccount;AccountKey=cmVwbGFjZS13aXRoLXlvdXIta2V5;EndpointSuffix=core.windows.net",
		},
		{
			Name: BlobURL, DefaultMeans: "taken from the connection string",
			Help:    "Address of the account's blob service, in place of its connection string: Microsoft Entra ID is used, no key.",
			Wants:   "an https:// URL without user and query, like https://mystorageaccount.blob.core.windows.net",
			Example: "https://mystorageaccount.blob.core.windows.net",
		},
		{
			Name: Container, Need: RequiredUnlessDir,
			Help:    "The blob container that keeps the checkpoints.",
			Wants:   "the name of a blob container: 3 to 63 lower case letters, digits and single dashes",
			Example: "kubeauditlogcontainer",
		},
		{
			Name: CheckpointDir, DefaultMeans: "checkpoints are kept in blobs",
			Help:    "A local folder for the checkpoints of a single replica, in place of the BLOB variables.",
			Wants:   "the path of a folder",
			Example: "/var/lib/aks-audit-log",
		},
		{
			Name: CheckpointInterval, Default: "5s",
			Help:    "The longest time between two checkpoints of a busy partition; after a crash, the audit events since the last one are sent again.",
			Wants:   "a duration above 0, like 5s or 1m30s",
			Example: "10s",
		},
	}
}

func eventVariables() []Variable {
	return []Variable{
		{
			Name: ClusterName, Default: "off",
			Help:    "Whether each audit event names its cluster in the annotation cluster_name, Falco's ka.cluster.name.",
			Wants:   "on or off",
			Example: "on",
		},
		{
			Name: Categories, Default: "kube-audit,kube-audit-admin",
			Help:    "The log categories whose records are audit events for the sink, in any case; others are skipped.",
			Wants:   "names of log categories of letters, digits and dashes, with commas between them",
			Example: "kube-audit-admin",
		},
	}
}

func sinkVariables() []Variable {
	return []Variable{
		{
			Name: SinkURL, Need: Required,
			Help:    "Where audit events are posted: Falco's k8saudit webhook, or any Kubernetes audit webhook.",
			Wants:   "an http:// or https:// URL with a host",
			Example: "http://falco-k8saudit-webhook.falco.svc.cluster.local:9765/k8s-audit",
		},
		{
			Name: SinkCAFile, DefaultMeans: "the system's authorities only",
			Help:    "A PEM file with authorities that may sign the sink's certificate, in addition to the system's.",
			Wants:   "the path of a file, beginning with / or ./, with an https:// WEBSINKURL",
			Example: "/etc/aks-audit-log/sink/ca.crt",
		},
		{
			Name: SinkCertFile, DefaultMeans: "the daemon shows the sink no certificate",
			Help:    "A PEM file with the client certificate for the sink, the leaf first; read again when it changes.",
			Wants:   "the path of a file, beginning with / or ./, with WEBSINKKEYFILE and an https:// WEBSINKURL",
			Example: "/etc/aks-audit-log/sink/tls.crt",
		},
		{
			Name: SinkKeyFile, DefaultMeans: "the daemon shows the sink no certificate",
			Help:    "A PEM file with the key of WEBSINKCERTFILE; read again when it changes.",
			Wants:   "the path of a file, beginning with / or ./, with WEBSINKCERTFILE and an https:// WEBSINKURL",
			Example: "/etc/aks-audit-log/sink/tls.key",
		},
		{
			Name: SinkToken, DefaultMeans: "no token is sent", Secret: true,
			Help:    "A token that is sent to the sink: Authorization: Bearer.",
			Wants:   "a token without white space, and neither WEBSINKTOKENFILE nor a user in WEBSINKURL beside it",
			Example: "c2luay10b2tlbg",
		},
		{
			Name: SinkTokenFile, DefaultMeans: "no token is sent",
			Help:    "A file with such a token, read again for each POST.",
			Wants:   "the path of a file, beginning with / or ./, and neither WEBSINKTOKEN nor a user in WEBSINKURL beside it",
			Example: "/etc/aks-audit-log/sink/token",
		},
		{
			Name: MaxEventSize, Default: "262144",
			Help:    "The largest audit event that the sink takes, in bytes; a larger one is truncated. Falco's maxEventSize.",
			Wants:   "a whole number of bytes from 1024 to 12000000",
			Example: "1048576",
		},
	}
}

func postVariables() []Variable {
	return []Variable{
		{
			Name: BatchEvents, Default: "400",
			Help:    "How many audit events a POST holds at most; 1 posts each as it is, not in a list.",
			Wants:   "a whole number from 1 to 100000",
			Example: "100",
		},
		{
			Name: BatchBytes, Default: "1048576", DefaultMeans: "1 MiB",
			Help:    "How many bytes the body of a POST has at most; an audit event that is larger goes alone.",
			Wants:   "a whole number of bytes from 1024 to 10485760",
			Example: "262144",
		},
		{
			Name: MaxRetries, Default: "5",
			Help:    "How often a POST that failed is repeated.",
			Wants:   "a whole number from 0 to 1000000",
			Example: "10",
		},
		{
			Name: RetryDelay, Default: "1000", DefaultMeans: "1 s",
			Help:    "Milliseconds; the n-th retry waits n times as long.",
			Wants:   "a whole number of milliseconds from 0 to 3600000",
			Example: "500",
		},
		{
			Name: PostTimeout, Default: "60s",
			Help:    "How long one POST may take, answer included. Falco answers late when it is busy.",
			Wants:   "a duration above 0, like 60s or 1m30s",
			Example: "30s",
		},
		{
			Name: FailurePolicy, Default: "hold",
			Help:    "When the retries are used up: hold keeps the event and goes on trying, drop counts an error and goes on.",
			Wants:   "hold or drop",
			Example: "drop",
		},
		{
			Name: RateLimit, Default: "0", DefaultMeans: "unlimited",
			Help:    "The highest number of audit events a second.",
			Wants:   "a number from 0 (unlimited) up",
			Example: "500",
		},
		{
			Name: RateBurst, Default: "50",
			Help:    "How many audit events may be sent at once before the rate limit delays them.",
			Wants:   "a whole number from 1 up",
			Example: "100",
		},
		{
			Name: KeepAlive, Default: "true",
			Help:    "Whether connections to the sink are reused.",
			Wants:   "true or false",
			Example: "false",
		},
		{
			Name: SinkReplay, Default: "on",
			Help:    "When the connection to the sink is lost: on sends unconfirmed audit events again, off does not.",
			Wants:   "on or off",
			Example: "off",
		},
		{
			Name: SettleTime, Default: "5s",
			Help:    "How long the sink may take for the last audit events that have left its queue; 0 confirms at once what it accepts.",
			Wants:   "a duration from 0 up, like 5s or 1m30s",
			Example: "10s",
		},
		{
			Name: SinkBarrier, Default: "auto",
			Help:    "Whether empty requests show what has left the sink's queue; auto: unless the sink refuses the first.",
			Wants:   "auto, on or off",
			Example: "off",
		},
	}
}

func processVariables() []Variable {
	return []Variable{
		{
			Name: MaxBytesInFlight, Default: "67108864", DefaultMeans: "64 MiB",
			Help:    "How many bytes of hub events may be between their arrival and their verdicts, over all partitions.",
			Wants:   "a whole number of bytes from 1048576 to 2147483647",
			Example: "134217728",
		},
		{
			Name: LogLevel, Default: "info",
			Help:    "The least important level that is logged.",
			Wants:   "panic, fatal, error, warn, info, debug or trace",
			Example: "debug",
		},
		{
			Name: VerboseLevel, DefaultMeans: "LOGLEVEL holds",
			Help:    "The .NET predecessor's log level, 1 to 4 for error, info, debug, trace; LOGLEVEL wins over it.",
			Wants:   "1, 2, 3 or 4",
			Example: "2",
		},
		{
			Name: LogFormat, DefaultMeans: "text on a terminal, else json",
			Help:    "How log lines are written.",
			Wants:   "text or json",
			Example: "json",
		},
		{
			Name: StatsAddress, Default: ":9000",
			Help:    "Where /metrics, /healthz and /readyz are served.",
			Wants:   "[host]:port, like :9000 or 127.0.0.1:9000",
			Example: "127.0.0.1:9000",
		},
		{
			Name: StatsHosts, DefaultMeans: "IP addresses, localhost, the cluster's own names",
			Help:    "Further host names under which the status page is shown, as behind an Ingress.",
			Wants:   "host names without ports, separated by commas",
			Example: "audit-log.example.com",
		},
		{
			Name: RunbookURL, DefaultMeans: "the status page names the section, without a link",
			Help:    "Where docs/operations.md is, which the status page links to: the address of this repository at a tag.",
			Wants:   "an http or https address, without a query or a fragment",
			Example: "https://git.example.com/security/aks-audit-log-go/blob/v1.0.0",
		},
		{
			Name: PprofAddress, DefaultMeans: "no profiles are served",
			Help:    "Where profiles of Go's pprof are served, below /debug/pprof/; a port alone is one of this machine only.",
			Wants:   "a port or [host]:port, like 6060 or 127.0.0.1:6060",
			Example: "6060",
		},
		{
			Name: ShutdownTimeout, Default: "25s",
			Help:    "How long the whole shutdown may take; keep it below the pod's terminationGracePeriodSeconds.",
			Wants:   "a duration above 0, like 25s or 1m30s",
			Example: "50s",
		},
		{
			Name: WatchdogTimeout, Default: "5m",
			Help:    "How long the consumer may make no progress before /healthz answers 503; 0 is for ever.",
			Wants:   "0 or a duration from 1s up, like 5m or 1m30s",
			Example: "10m",
		},
	}
}
