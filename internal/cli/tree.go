package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aks-audit-log-go/forwarder/variable"
)

// Tree returns all commands, for documents that are made from them.
func Tree() *cobra.Command { return program{}.tree() }

// suggested is by how many letters a name may differ from a suggested one.
const suggested = 2

// tree returns the root command, which runs the daemon, with all other commands below it.
func (p program) tree() *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "aks-audit-log-go",
		Short: "forward the Kubernetes audit events of AKS to Falco",
		Long: "aks-audit-log-go forwards the Kubernetes audit events that AKS writes to an Azure Event Hub to Falco's k8saudit webhook. " +
			"Without a command it runs as the daemon, until SIGTERM or SIGINT. All configuration is in the environment.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0], args[0])
		},
		SilenceErrors: true, SilenceUsage: true, // Run reports errors
		SuggestionsMinimumDistance: suggested,
		RunE: func(*cobra.Command, []string) error {
			if version {
				printVersion(p.stdout)
				return nil
			}
			return runDaemon(p.environ, p.stderr).orNil()
		},
	}
	root.Flags().BoolVar(&version, "version", false, "print the version")
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(p.helpCommand())
	standard := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if cmd == root {
			_ = variable.Usage(p.stdout) // stdout remembers the error
			return
		}
		standard(cmd, args)
	})
	root.SetUsageFunc(groupUsage(root.UsageFunc()))
	root.AddCommand(
		p.check(),
		p.tail(),
		group("checkpoints", "show the checkpoints, or write them for another reader", p.checkpointsShow(), p.checkpointsExport()),
		group("deadletters", "show the records that could not be delivered, or send them again", p.deadLettersList(), p.deadLettersShow(), p.deadLettersReplay()),
		p.replay(),
		p.testAlert(),
		&cobra.Command{Use: "version", Short: "print the version", Args: noArguments, Run: func(*cobra.Command, []string) { printVersion(p.stdout) }},
	)
	root.InitDefaultCompletionCmd()
	completion, _, _ := root.Find([]string{"completion"})
	completion.Short = "print the completion script for a shell"
	completion.RunE = needsCommand
	completion.Args = nil
	return root
}

// group returns a command that only has others below it.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, RunE: needsCommand, SuggestionsMinimumDistance: suggested}
	cmd.AddCommand(commands...)
	return cmd
}

// groupUsage returns a usage function that omits the line with a group alone. cobra prints this line for each command
// that can be run. Groups can be run, so that needsCommand can report the error.
func groupUsage(standard func(*cobra.Command) error) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		if cmd.HasAvailableSubCommands() {
			run := cmd.RunE
			cmd.RunE = nil
			defer func() { cmd.RunE = run }()
		}
		return standard(cmd)
	}
}

// needsCommand returns the error of a group that is called without one of its commands.
func needsCommand(group *cobra.Command, args []string) error {
	var names []string
	for _, cmd := range group.Commands() {
		names = append(names, cmd.Name())
	}
	slices.Sort(names)
	hint := ""
	if len(args) > 0 {
		hint = didYouMean(group.SuggestionsFor(args[0]))
	}
	return fmt.Errorf("%s needs one of %s after it%s", group.Name(), strings.Join(names, ", "), hint)
}

// helpCommand returns the command help. Without arguments, help prints all commands and variables.
func (p program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "print every command and variable, or what a command does",
		ValidArgsFunction: completeCommand,
		RunE: func(help *cobra.Command, args []string) error {
			cmd, rest, err := help.Root().Find(args)
			switch {
			case len(rest) > 0:
				return unknownCommand(cmd, strings.Join(args, " "), rest[0])
			case err != nil:
				return err
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// completeCommand completes the arguments of help with names of commands.
func completeCommand(help *cobra.Command, args []string, begin string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if cmd, rest, _ := help.Root().Find(args); cmd != nil && len(rest) == 0 {
		for _, one := range cmd.Commands() {
			if one.IsAvailableCommand() && strings.HasPrefix(one.Name(), begin) {
				names = append(names, cobra.CompletionWithDesc(one.Name(), one.Short))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// unknownCommand returns the error for a name that no command below parent has. full is what the user wrote.
func unknownCommand(parent *cobra.Command, full, name string) error {
	parent.SuggestionsMinimumDistance = suggested
	return fmt.Errorf("unknown command %q%s", full, didYouMean(parent.SuggestionsFor(name)))
}

// didYouMean returns suggestions for the end of an error, or "" if there are none.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}

// flagError returns an error about a flag that names flags with one dash, as the documents do.
func flagError(cmd *cobra.Command, err error) error {
	if cmd.HasParent() && cmd.HasSubCommands() {
		return needsCommand(cmd, nil)
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	name := unknown.GetSpecifiedName()
	var similar []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if len(name) > 1 && levenshtein.ComputeDistance(name, flag.Name) <= suggested {
			similar = append(similar, "-"+flag.Name)
		}
	})
	return fmt.Errorf("flag provided but not defined: -%s%s", name, didYouMean(similar))
}

// noArguments returns an error if arguments are left that are neither a command nor a flag.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// oneArgument requires exactly one argument. what names it in the error.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("%s needs a %s", strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "), what)
		case 1:
			return nil
		}
		return noArguments(cmd, args[1:])
	}
}
