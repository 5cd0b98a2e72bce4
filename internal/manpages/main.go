// Command manpages writes the man pages of aks-audit-log-go and of each of its commands. It is a program of its own,
// so that the daemon's binary does not contain the code that formats them.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra/doc"

	"aks-audit-log-go/forwarder/variable"
	"aks-audit-log-go/internal/cli"
)

func main() {
	out := flag.String("out", "", "write the man pages into this folder")
	version := flag.String("version", "dev", "the version that they name")
	flag.Parse()
	if err := write(*out, *version); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "manpages:", err)
		os.Exit(1)
	}
}

// write writes the man pages into a folder. They name the month of SOURCE_DATE_EPOCH, so that the same version always
// has the same pages.
func write(folder, version string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { // #nosec G301 -- everybody may read them
		return fmt.Errorf("make the folder for the man pages: %w", err)
	}
	root := cli.Tree()
	root.DisableAutoGenTag = true
	root.Long += environment() + exitCodes
	header := doc.GenManHeader{Section: "1", Source: "aks-audit-log-go " + version, Manual: "aks-audit-log-go"}
	if err := doc.GenManTree(root, &header, folder); err != nil {
		return fmt.Errorf("write the man pages: %w", err)
	}
	return nil
}

// exitCodes is the section on the exit codes, as Markdown. docs/configuration.md has the details.
const exitCodes = `
# EXIT STATUS
**0**: all went well. **1**: a failure. **2**: the configuration or the command is wrong.
`

// environment returns the section on the variables, as Markdown.
func environment() string {
	var text strings.Builder
	_, _ = io.WriteString(&text, "\n\n# ENVIRONMENT\nFor each variable there is a **NAME_FILE**, which names a file with the value.\n")
	for _, v := range variable.Table() {
		fmt.Fprintf(&text, "\n**%s** (%s): %s\n", v.Name, literally.Replace(v.Standing()), literally.Replace(v.Help))
	}
	return text.String()
}

// literally escapes the characters that are markup in Markdown.
var literally = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "<", `\<`, "`", "\\`")
