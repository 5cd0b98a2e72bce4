package requestinfo

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// selectedName returns the name that the field selector of a list or watch asks for, or "" if there is none. The API
// server uses no name if any parameter is invalid. This package cannot parse label and shard selectors, so it returns
// no name if there is one of them: no name is better than one that the API server did not use.
func selectedName(query url.Values) string {
	if query.Get("labelSelector") != "" || query.Get("shardSelector") != "" {
		return ""
	}
	for _, number := range []string{"limit", "timeoutSeconds"} {
		if !query.Has(number) {
			continue
		}
		if _, err := strconv.ParseInt(query.Get(number), 10, 64); err != nil {
			return ""
		}
	}
	name, valid := nameIn(query.Get("fieldSelector"))
	if !valid || name == "." || name == ".." || strings.ContainsAny(name, "/%") {
		return ""
	}
	return name
}

// nameIn returns the value that a field selector asks for as metadata.name. If there are several, it returns the
// first in the order of the terms' texts, because the API server sorts the terms. It returns false if a term is
// invalid.
func nameIn(selector string) (name string, valid bool) {
	found := false
	for _, term := range slices.Sorted(slices.Values(termsOf(selector))) {
		if term == "" {
			continue
		}
		at := strings.IndexByte(term, '=')
		if at < 0 {
			return "", false
		}
		field, value := term[:at], strings.TrimPrefix(term[at+1:], "=")
		differs := strings.HasSuffix(field, "!")
		if differs {
			value = term[at+1:]
		}
		value, valid = unescaped(value)
		if !valid {
			return "", false
		}
		if field == "metadata.name" && !found {
			name, found = value, true
		}
	}
	return name, true
}

// termsOf splits a field selector at each comma that has no backslash before it.
func termsOf(selector string) []string {
	var terms []string
	start := 0
	for i := 0; i < len(selector); i++ {
		switch selector[i] {
		case '\\':
			i++ // the next character is escaped
		case ',':
			terms = append(terms, selector[start:i])
			start = i + 1
		}
	}
	return append(terms, selector[start:])
}

// unescaped returns a value of a field selector without its backslashes. It returns false if a backslash escapes
// anything but a backslash, a comma or an equals sign, or if a comma or an equals sign is not escaped.
func unescaped(value string) (string, bool) {
	var plain strings.Builder
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
			if i == len(value) || !strings.ContainsRune(`\,=`, rune(value[i])) {
				return "", false
			}
		case ',', '=':
			return "", false
		}
		plain.WriteByte(value[i])
	}
	return plain.String(), true
}
