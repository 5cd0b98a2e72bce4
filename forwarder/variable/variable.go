package variable

import ()

// variable returns the description of the variable called name.
func Lookup(name string) Variable {
	for _, v := range Table() {
		if v.Name == name {
			return v
		}
	}
	return Variable{Name: name}
}

// Need says whether a variable has to be set.
type Need string

// The needs.
const (
	// Optional: it has a default, or does nothing when it is not set.
	Optional Need = ""
	// Required: the daemon does not start without it.
	Required Need = "required"
	// RequiredUnlessDir: required unless CHECKPOINTDIR is set; then it must not be.
	RequiredUnlessDir Need = "required unless CHECKPOINTDIR is set"
	// RequiredUnlessNamespace: required unless EVENTHUBNAMESPACE is set; then it must not be.
	RequiredUnlessNamespace Need = "required unless EVENTHUBNAMESPACE is set"
	// RequiredUnlessURL: required unless BLOBSTORAGEURL or CHECKPOINTDIR is set; then it must not be.
	RequiredUnlessURL Need = "required unless BLOBSTORAGEURL or CHECKPOINTDIR is set"
)

// Variable describes one environment variable.
type Variable struct {
	// Name is its name in upper case; it is matched whatever its case.
	Name string
	// Default is the value that it has when it is not set or empty.
	Default string
	// DefaultMeans says in words what Default stands for, where that is not plain.
	DefaultMeans string
	// Need says whether it has to be set.
	Need Need
	// Secret is whether its value must not be shown.
	Secret bool
	// Help says in one line what it is for.
	Help string
	// Wants says what it should hold: "it should be ...".
	Wants string
	// Example is a value that is accepted.
	Example string
}
