package connstr

import (
	"strings"
)

// Azure's rules for names are checked at the start. Otherwise Azure would answer a wrong name with "not found", or the
// daemon would use another blob path than intended
// (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).

// ValidHubName reports whether name can be the name of an event hub.
func ValidHubName(name string) bool { return validEntity(name, 256) }

// ValidConsumerGroup reports whether name can be the name of a consumer group: $Default, which every hub has, or one
// that the owner of the hub made.
func ValidConsumerGroup(name string) bool {
	return strings.EqualFold(name, "$Default") || validEntity(name, 50)
}

// validEntity reports whether name has 1 to longest letters, digits, dots, dashes and underscores, and a letter or
// digit at both ends.
func validEntity(name string, longest int) bool {
	if name == "" || len(name) > longest {
		return false
	}
	for i := range len(name) {
		inside := i > 0 && i < len(name)-1
		if !letterOrDigit(name[i]) && (!inside || !strings.ContainsRune("._-", rune(name[i]))) {
			return false
		}
	}
	return true
}

// ValidContainer reports whether name can be the name of a blob container: 3 to 63 lower case letters, digits and
// single dashes, with a letter or digit at both ends.
func ValidContainer(name string) bool {
	return len(name) >= 3 && validEntity(name, 63) &&
		name == strings.ToLower(name) && !strings.ContainsAny(name, "._") && !strings.Contains(name, "--")
}

// validAccount reports whether name can be the name of a storage account: 3 to 24 lower case letters and digits.
func validAccount(name string) bool {
	return len(name) <= 24 && ValidContainer(name) && !strings.Contains(name, "-")
}

func letterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
