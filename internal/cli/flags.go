package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// choice is the value of a flag that takes one of several words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "string" }

// Set implements pflag.Value.
func (c *choice) Set(word string) error {
	if !slices.Contains(c.of, word) {
		return fmt.Errorf("it has to be one of %s", strings.Join(c.of, ", "))
	}
	c.value = word
	return nil
}

// since is the value of a flag that takes a time, or a duration before now.
type since struct {
	text string
	at   time.Time
}

func (s *since) String() string { return s.text }
func (s *since) Type() string   { return "string" }

// Set implements pflag.Value.
func (s *since) Set(text string) error {
	ago, err := time.ParseDuration(text)
	at := time.Now().Add(-ago)
	if err != nil || ago < 0 {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return errors.New("it has to be a duration such as 90m or 24h, or a time such as 2026-03-01T00:00:00Z")
		}
	}
	s.text, s.at = text, at
	return nil
}

// completeFlag makes the shell complete the values of a flag.
func completeFlag(cmd *cobra.Command, flag string, words []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is not declared
	}
}
