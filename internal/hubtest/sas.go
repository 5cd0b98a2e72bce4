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

// errToken is in the error of every token that is not granted. The error has no part of the token.
var errToken = errors.New("token not granted")

// sasPrefix is the start of every shared access signature.
const sasPrefix = "SharedAccessSignature "

// verifySAS checks a token of the form
//
//	SharedAccessSignature sr=<url-encoded uri>&sig=<url-encoded base64>&se=<unix seconds>&skn=<key name>
//
// against the key, checks that it covers the entity, and returns when it expires. The signature covers sr as it is
// written in the token, because clients encode it with letters in different case.
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

// signed reports whether sig, which is url-encoded base64, is the signature.
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

// covers reports whether a claim for the entity granted is valid for the entity wanted. It is if wanted is the same
// entity, or one below it. The empty path is the whole namespace. Both are in lower case.
func covers(granted, wanted string) bool {
	return granted == "" || granted == wanted || strings.HasPrefix(wanted, granted+"/")
}
