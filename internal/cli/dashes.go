package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// doubleDashes returns args with long flags spelled as cobra reads them: -json becomes --json. Scripts and documents
// use the single dash, as Go's package flag does. The values of flags, and all words after "--", stay as they are.
func doubleDashes(root *cobra.Command, args []string) []string {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.BoolP("help", "h", false, "")
	collectFlags(root, flags)
	words := len(args)
	if words > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		words-- // the last word is what the shell completes
	}
	result := make([]string, 0, len(args)) // if it is nil, cobra uses the arguments of the process
	for i := 0; i < words && args[i] != "--"; i++ {
		word, flag := spelled(flags, args[i])
		result = append(result, word)
		if flag != nil && flag.NoOptDefVal == "" && !strings.Contains(word, "=") && i+1 < words {
			i++ // its value
			result = append(result, args[i])
		}
	}
	return append(result, args[len(result):]...)
}

// collectFlags adds the flags of all commands to flags. A flag of one name is of the same kind in all commands.
func collectFlags(cmd *cobra.Command, flags *pflag.FlagSet) {
	flags.AddFlagSet(cmd.LocalFlags())
	for _, child := range cmd.Commands() {
		collectFlags(child, flags)
	}
}

// spelled returns a word as cobra reads it. If the word is a flag whose value may be the next word, it returns the
// flag too.
func spelled(flags *pflag.FlagSet, word string) (string, *pflag.Flag) {
	if strings.HasPrefix(word, "--") {
		return word, flags.Lookup(word[2:])
	}
	if len(word) < 2 || word[0] != '-' {
		return word, nil
	}
	name, _, _ := strings.Cut(word[1:], "=")
	short := flags.ShorthandLookup(word[1:2])
	switch long := flags.Lookup(name); {
	case len(word) == 2:
		return word, short
	case long != nil:
		return "-" + word, long
	case short != nil:
		return word, nil // -ojson
	}
	return "-" + word, nil // unknown: with two dashes the error names the whole word
}
