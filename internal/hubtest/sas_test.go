package hubtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sign makes a token for sr, which is already encoded.
func sign(sr, keyName, key string, expiry time.Time) string {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = fmt.Fprintf(mac, "%s\n%d", sr, expiry.Unix())
	sig := url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return fmt.Sprintf("SharedAccessSignature sr=%s&sig=%s&se=%d&skn=%s", sr, sig, expiry.Unix(), keyName)
}

func TestATokenIsGrantedOnlyIfAllOfItIsRight(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	later := now.Add(time.Hour)
	const entity = "amqps://Host:1/Hub/ConsumerGroups/$Default/Partitions/0"
	whole := url.QueryEscape(entity)
	lower := strings.ToLower(whole)
	for _, tc := range []struct {
		name  string
		token string
		want  string // of the error; "" for granted
	}{
		{"for the entity", sign(whole, "name", "key", later), ""},
		{"for the entity in lower case", sign(lower, "name", "key", later), ""},
		{"for the hub", sign(url.QueryEscape("amqps://host/hub"), "name", "key", later), ""},
		{"for the namespace", sign(url.QueryEscape("sb://host/"), "name", "key", later), ""},
		{"for another hub", sign(url.QueryEscape("amqps://host/hub2"), "name", "key", later), "another entity"},
		{"for a hub whose name starts alike", sign(url.QueryEscape("amqps://host/hu"), "name", "key", later), "another entity"},
		{"another key", sign(whole, "name", "other", later), "wrong signature"},
		{"another key name", sign(whole, "other", "key", later), "unknown key name"},
		{"expired this second", sign(whole, "name", "key", now), "expired"},
		{"lower case only after signing", strings.Replace(sign(whole, "name", "key", later), whole, lower, 1), "wrong signature"},
		{"longer life only after signing", strings.Replace(sign(whole, "name", "key", now), fmt.Sprint(now.Unix()), fmt.Sprint(later.Unix()), 1), "wrong signature"},
		{"another scheme", "Bearer x", "no shared access signature"},
		{"nothing in it", "SharedAccessSignature ", "unknown key name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expiry, err := verifySAS(tc.token, "name", "key", entity, now)
			if tc.want == "" {
				require.NoError(t, err)
				require.Equal(t, later, expiry)
				return
			}
			require.ErrorIs(t, err, errToken)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestPlainTakesTheKeyOnly(t *testing.T) {
	for response, want := range map[string]bool{
		"\x00name\x00key": true, "name\x00name\x00key": true,
		"\x00name\x00other": false, "\x00other\x00key": false, "": false, "name key": false,
	} {
		require.Equal(t, want, plainGranted([]byte(response), "name", "key"), "%q", response)
	}
}

func TestTokensAreJudgedByTheHubsClock(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	s.SkewClock(5 * time.Hour) // the SDK's tokens are good for two
	consumer := newConsumer(t, s, s.ConnectionString())
	_, err := consumer.GetPartitionProperties(testContext(t), "0", nil)
	require.ErrorContains(t, err, "status code 401")
	s.SkewClock(-5 * time.Hour)
	requireBodies(t, receive(t, newReader(t, newConsumer(t, s, s.ConnectionString()), "0", earliest()), 1), 0)
}

func TestDialledCountsWhatWasRefusedToo(t *testing.T) {
	s := startServer(t, Config{})
	s.RefuseConnections(true)
	nc, err := (&net.Dialer{}).DialContext(testContext(t), "tcp", s.plain.Addr().String())
	require.NoError(t, err)
	defer func() { _ = nc.Close() }()
	_, err = nc.Read(make([]byte, 1))
	require.Error(t, err)
	require.Equal(t, 1, s.Dialled())
}
