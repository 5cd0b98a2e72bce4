package connstr

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// connectionFields splits an Azure connection string, Key=Value;Key=Value[;], into its fields
// with their keys in lower case. A value may hold "=". Errors count the pieces and never
// repeat them, since any piece could be the secret.
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

// missingFields names those of keys that fields does not have.
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

// validPort reports whether the port of u, if it has one, is a TCP port.
func ValidPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= 65535
}
