package hubtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// errToken is wrapped by every reason not to grant a token. None of them holds any of the token.
var errToken = errors.New("token not granted")

// sasPrefix starts every shared access signature.
const sasPrefix = "SharedAccessSignature "

// verifySAS checks a token of the form
//
//	SharedAccessSignature sr=<url-encoded uri>&sig=<url-encoded base64>&se=<unix seconds>&skn=<key name>
//
// against the key, and that it covers the entity, and tells when it runs out. The signature is made over
// sr as it stands in the token: clients differ in which letters of it are lower case.
func verifySAS(token, keyName, key, entity string, now time.Time) (time.Time, error) {
	rest, ok := strings.CutPrefix(token, sasPrefix)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: no shared access signature", errToken)
	}
	fields := map[string]string{}
	for _, field := range strings.Split(rest, "&") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	if fields["skn"] != url.QueryEscape(keyName) && fields["skn"] != keyName {
		return time.Time{}, fmt.Errorf("%w: unknown key name", errToken)
	}
	if !signed(fields["sr"], fields["se"], fields["sig"], key) {
		return time.Time{}, fmt.Errorf("%w: wrong signature", errToken)
	}
	seconds, err := strconv.ParseInt(fields["se"], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: no expiry", errToken)
	}
	expiry := time.Unix(seconds, 0)
	if !expiry.After(now) {
		return time.Time{}, fmt.Errorf("%w: expired", errToken)
	}
	resource, err := url.QueryUnescape(fields["sr"])
	if err != nil || !covers(entityPath(resource), entityPath(entity)) {
		return time.Time{}, fmt.Errorf("%w: made for another entity", errToken)
	}
	return expiry, nil
}

// signed checks sig, which is url-encoded base64.
func signed(sr, se, sig, key string) bool {
	encoded, err := url.QueryUnescape(sig)
	if err != nil {
		return false
	}
	got, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(sr + "\n" + se)) // a hash's Write never fails
	return hmac.Equal(got, mac.Sum(nil))
}

// covers says whether a claim for the entity granted holds for the entity wanted: the same, or one
// below it. The empty path is the whole namespace. Both are in lower case.
func covers(granted, wanted string) bool {
	return granted == "" || granted == wanted || strings.HasPrefix(wanted, granted+"/")
}
