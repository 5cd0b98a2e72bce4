package connstr

import (
	"strings"
)

// Azure's rules for names are checked at the start, since a name against them is otherwise
// answered with "not found" or, worse, with a blob path that is not the one meant
// (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).

// validHubName reports whether name can be an event hub.
func ValidHubName(name string) bool { return validEntity(name, 256) }

// validConsumerGroup reports whether name can be a consumer group: $Default, which every hub
// has, or one of its owner's.
func ValidConsumerGroup(name string) bool {
	return strings.EqualFold(name, "$Default") || validEntity(name, 50)
}

// validEntity wants up to longest letters, digits, dots, dashes and underscores, with a
// letter or digit at both ends.
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

// validContainer reports whether name can be a blob container: 3 to 63 lower case letters,
// digits and single dashes, with a letter or digit at both ends.
func ValidContainer(name string) bool {
	return len(name) >= 3 && validEntity(name, 63) &&
		name == strings.ToLower(name) && !strings.ContainsAny(name, "._") && !strings.Contains(name, "--")
}

// validAccount reports whether name can be a storage account: 3 to 24 lower case letters and digits.
func validAccount(name string) bool {
	return len(name) <= 24 && ValidContainer(name) && !strings.Contains(name, "-")
}

func letterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
