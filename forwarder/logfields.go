package forwarder

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/sirupsen/logrus"
)

// SinkAddress returns the sink's URL without user, password, query and fragment, for logs and errors.
func (c Config) SinkAddress() string {
	if c.SinkURL == nil {
		return ""
	}
	return (&url.URL{Scheme: c.SinkURL.Scheme, Host: c.SinkURL.Host, Path: c.SinkURL.Path, RawPath: c.SinkURL.RawPath}).String()
}

// sinkAuth returns how the daemon signs in to the sink, apart from a client certificate.
func (c Config) sinkAuth() string {
	switch {
	case c.SinkToken != "", c.SinkTokenFile != "":
		return "bearer"
	case c.SinkURL != nil && c.SinkURL.User != nil:
		return "basic"
	default:
		return "none"
	}
}

// LogFields returns the configuration without its secrets, for the start log.
func (c Config) LogFields() logrus.Fields {
	fields := logrus.Fields{
		"hub_host":            c.HubConnection.Host,
		"hub_sign_in":         c.HubConnection.SignIn(),
		"hub_key_name":        c.HubConnection.KeyName,
		"hub":                 c.HubName,
		"consumer_group":      c.ConsumerGroup,
		"hub_client":          string(c.HubClient),
		"hub_transport":       string(c.HubTransport),
		"hub_ca_file":         c.HubCAFile,
		"hub_prefetch":        prefetch(c.HubPrefetch),
		"start_position":      c.StartPosition.String(),
		"checkpoint_interval": c.CheckpointInterval.String(),
		"cluster_name":        c.ClusterName,
		"categories":          strings.Join(c.Categories, ","),
		"sink":                c.SinkAddress(),
		"sink_auth":           c.sinkAuth(),
		"sink_ca_file":        c.SinkCAFile,
		"sink_cert_file":      c.SinkCertFile,
		"sink_max_event_size": c.SinkMaxEventSize,
		"post_batch_events":   c.PostBatchMaxEvents,
		"post_batch_bytes":    c.PostBatchMaxBytes,
		"post_max_retries":    c.PostMaxRetries,
		"post_retry_delay":    c.PostRetryDelay.String(),
		"post_timeout":        c.PostTimeout.String(),
		"failure_policy":      string(c.FailurePolicy),
		"rate_limit":          c.RateLimit,
		"rate_burst":          c.RateBurst,
		"keep_alive":          c.KeepAlive,
		"sink_replay":         c.SinkReplay,
		"sink_settle_time":    c.SinkSettleTime.String(),
		"sink_barrier":        string(c.SinkBarrier),
		"max_bytes_in_flight": c.MaxBytesInFlight,
		"log_level":           LevelName(c.LogLevel),
		"log_format":          cmp.Or(c.LogFormat, "auto"),
		"stats_address":       c.StatsAddress,
		"stats_hosts":         strings.Join(c.StatsHosts, ","),
		"runbook_url":         c.RunbookURL,
		"pprof_address":       c.PprofAddress,
		"shutdown_timeout":    c.ShutdownTimeout.String(),
		"watchdog_timeout":    c.WatchdogTimeout.String(),
	}
	if c.Blob != nil {
		fields["blob_service"] = c.Blob.ServiceURL
		fields["blob_sign_in"] = c.Blob.SignIn()
		fields["blob_container"] = c.BlobContainerName
	} else {
		fields["checkpoint_dir"] = c.CheckpointDir
	}
	return fields
}

// String returns LogFields as text, so that a printed configuration shows no secret, not even one in the sink's URL.
func (c Config) String() string { return fmt.Sprint(map[string]any(c.LogFields())) }

// GoString returns String.
func (c Config) GoString() string { return c.String() }

// MarshalJSON returns LogFields as JSON.
func (c Config) MarshalJSON() ([]byte, error) {
	return json.Marshal(c.LogFields())
}

func prefetch(events int) any {
	if events == 0 {
		return "auto"
	}
	return events
}
