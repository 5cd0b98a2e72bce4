package webhook

import (
	"fmt"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/httpclient"
)

// credentials holds the certificates and the token for the sink. net/http sends the user and password of its URL.
type credentials struct {
	tls *httpclient.TLS
	// token returns the current bearer token, or "" if there is none.
	token func() string
}

func loadCredentials(cfg forwarder.Config, log logrus.FieldLogger) (credentials, error) {
	warn := func(err error) {
		log.WithError(err).Warn("cannot renew a credential for the sink, going on with what was read before")
	}
	c := credentials{token: cfg.SinkToken.Reveal}
	var err error
	c.tls, err = httpclient.LoadTLS(httpclient.TLSFiles{
		CA: cfg.SinkCAFile, Certificate: cfg.SinkCertFile, Key: cfg.SinkKeyFile,
	}, warn)
	if err != nil {
		return credentials{}, fmt.Errorf("load what WEBSINKCAFILE, WEBSINKCERTFILE and WEBSINKKEYFILE name: %w", err)
	}
	if cfg.SinkTokenFile != "" {
		file, err := httpclient.LoadToken(cfg.SinkTokenFile, forwarder.ValidToken, warn)
		if err != nil {
			return credentials{}, fmt.Errorf("load what WEBSINKTOKENFILE names: %w", err)
		}
		c.token = file.Current
	}
	return c, nil
}
