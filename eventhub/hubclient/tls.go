package hubclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"aks-audit-log-go/forwarder"
)

var errNoCertificate = errors.New("there is no certificate in it")

// hubTLS is how the hub's certificate is verified: for the host without its port, which the SDK
// would take for a part of the name, and with the authorities of EVENTHUBCAFILE too.
func hubTLS(cfg forwarder.Config) (*tls.Config, error) {
	config := &tls.Config{
		ServerName: (&url.URL{Host: cfg.HubConnection.Host}).Hostname(),
		MinVersion: tls.VersionTLS12,
	}
	if cfg.HubCAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(cfg.HubCAFile)
	if err != nil {
		return nil, fmt.Errorf("read EVENTHUBCAFILE: %w", err)
	}
	if config.RootCAs, err = x509.SystemCertPool(); err != nil {
		return nil, fmt.Errorf("read the system's certificate authorities: %w", err)
	}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read EVENTHUBCAFILE %s: %w", cfg.HubCAFile, errNoCertificate)
	}
	return config, nil
}
