package connstr

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SignatureEnds returns when the shared access signature expires, zero if there is none or it does not say.
func (c HubConnection) SignatureEnds() time.Time {
	seconds, err := strconv.ParseInt(expiry(strings.TrimPrefix(c.SAS.Reveal(), "SharedAccessSignature ")), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// storageTimes are the formats of a time in a signature for the storage, all in UTC
// (https://learn.microsoft.com/rest/api/storageservices/formatting-datetime-values).
var storageTimes = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02"}

// SignatureEnds returns when the shared access signature expires. It is zero if there is none, or if it leaves that to
// a stored access policy.
func (c BlobConnection) SignatureEnds() time.Time {
	text := expiry(c.SAS.Reveal())
	for _, form := range storageTimes {
		if end, err := time.Parse(form, text); err == nil {
			return end.UTC()
		}
	}
	return time.Time{}
}

// expiry returns the value of se= in a signature.
func expiry(signature string) string {
	values, err := url.ParseQuery(signature)
	if err != nil {
		return ""
	}
	return values.Get("se")
}
