package variable

// Need is whether a variable must be set, in the words of the command help.
type Need string

// The values of Need.
const (
	// Optional means that the variable has a default, or no effect if it is not set.
	Optional Need = ""
	// Required means that the daemon does not start without the variable.
	Required Need = "required"
	// RequiredUnlessDir means that exactly one of the variable and CHECKPOINTDIR must be set.
	RequiredUnlessDir Need = "required unless CHECKPOINTDIR is set"
	// RequiredUnlessNamespace means that exactly one of the variable and EVENTHUBNAMESPACE must be set.
	RequiredUnlessNamespace Need = "required unless EVENTHUBNAMESPACE is set"
	// RequiredUnlessURL means that exactly one of the variable, BLOBSTORAGEURL and CHECKPOINTDIR must be set.
	RequiredUnlessURL Need = "required unless BLOBSTORAGEURL or CHECKPOINTDIR is set"
)

// Variable describes one environment variable.
type Variable struct {
	// Name is the name in upper case. The daemon ignores the case of names.
	Name string
	// Default is the value of a variable that is not set or empty.
	Default string
	// DefaultMeans explains Default in words, or is empty if that is not needed.
	DefaultMeans string
	Need         Need
	// Secret is whether the value must not be shown.
	Secret bool
	// Help says in one line what the variable is for.
	Help string
	// Wants describes valid values. It follows "it should be" in error messages.
	Wants   string
	Example string
}

// Lookup returns the variable with that name from the table.
func Lookup(name string) Variable {
	for _, v := range Table() {
		if v.Name == name {
			return v
		}
	}
	return Variable{Name: name}
}
