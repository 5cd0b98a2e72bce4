package hubclient

import (
	"crypto/tls"
	"fmt"
	"net/url"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/pemfile"
)

// hubTLS returns the settings that verify the hub's certificate. The server name is the host without its port, which
// the SDK would take for a part of the name. The authorities of EVENTHUBCAFILE are trusted too.
func hubTLS(cfg forwarder.Config) (*tls.Config, error) {
	config := &tls.Config{
		ServerName: (&url.URL{Host: cfg.HubConnection.Host}).Hostname(),
		MinVersion: tls.VersionTLS12,
	}
	if cfg.HubCAFile == "" {
		return config, nil
	}
	authorities, err := pemfile.Authorities(cfg.HubCAFile)
	if err != nil {
		return nil, fmt.Errorf("read EVENTHUBCAFILE: %w", err)
	}
	config.RootCAs = authorities
	return config, nil
}
