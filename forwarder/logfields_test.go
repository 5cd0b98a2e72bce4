package forwarder

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheConfigurationPrintsWithoutSecrets(t *testing.T) {
	cfg, err := Load(environ("WEBSINKURL=http://user:sinkS3cr3t@falco:9765/k8s-audit?token=t0k3n#frag"))
	require.NoError(t, err)
	asJSON, err := json.Marshal(cfg)
	require.NoError(t, err)
	byPointer, err := json.Marshal(&cfg)
	require.NoError(t, err)
	texts := []string{
		string(asJSON), string(byPointer), fmt.Sprint(cfg.LogFields()),
		fmt.Sprintf("%v", cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), fmt.Sprintf("%+v", &cfg),
	}
	for _, text := range texts {
		for _, secret := range []string{"hubS3cr3t", "YmxvYlMzY3IzdA", "sinkS3cr3t", "t0k3n", "frag"} {
			assert.NotContains(t, text, secret)
		}
		assert.Contains(t, text, "http://falco:9765/k8s-audit")
	}
}

func TestTheStartLogHasTheConfigurationInEffect(t *testing.T) {
	cfg, err := Load(environ("POSTTIMEOUT=5s"))
	require.NoError(t, err)
	fields := cfg.LogFields()
	assert.Equal(t, "5s", fields["post_timeout"])
	assert.Equal(t, "https://acct.blob.core.windows.net", fields["blob_service"])
	assert.NotContains(t, fields, "checkpoint_dir")

	cfg, err = Load(environ("CHECKPOINTDIR=/c", "BLOBSTORAGECONNECTIONSTRING=", "BLOBCONTAINERNAME="))
	require.NoError(t, err)
	assert.Equal(t, "/c", cfg.LogFields()["checkpoint_dir"])
	assert.NotContains(t, cfg.LogFields(), "blob_service")
	assert.Empty(t, Config{}.LogFields()["sink"])
}
