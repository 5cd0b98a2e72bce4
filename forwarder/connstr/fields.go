package connstr

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// connectionFields splits an Azure connection string, Key=Value;Key=Value[;], into its fields, by their keys in lower
// case. A value may contain "=". Errors give the number of a piece instead of the piece, which could be the secret.
func connectionFields(s string) (map[string]string, error) {
	fields := make(map[string]string)
	for i, piece := range strings.Split(s, ";") {
		if strings.TrimSpace(piece) == "" {
			continue
		}
		key, value, ok := strings.Cut(piece, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok || key == "" {
			return nil, fmt.Errorf("piece %d between its semicolons is not of the form Key=Value", i+1)
		}
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("piece %d between its semicolons repeats the key of an earlier one", i+1)
		}
		fields[key] = strings.TrimSpace(value)
	}
	return fields, nil
}

// missingFields returns an error that names the keys that fields lacks, or nil.
func missingFields(fields map[string]string, keys ...string) error {
	var missing []string
	for _, key := range keys {
		if fields[strings.ToLower(key)] == "" {
			missing = append(missing, key)
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return errors.New(missing[0] + " is missing in it")
	default:
		return errors.New(strings.Join(missing, ", ") + " are missing in it")
	}
}

// ValidPort reports whether u has no port or a valid TCP port.
func ValidPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= 65535
}
