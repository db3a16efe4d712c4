// Command zeta routes monitoring events: Riemann's protocol in, rules as expressions, an index that
// notices silence, a live dashboard, and Slack and other sinks out.
//
//	zeta serve                    run the router
//	zeta check zeta.expr          say what is wrong with rules
//	zeta test zeta.expr           run the tests in rules
//	zeta help COMMAND             everything about one command
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Exit statuses that every command keeps to.
const (
	exitOK      = 0
	exitFailure = 1 // the command ran and the answer is no: a test failed, the server refused
	exitUsage   = 2 // wrong flags, or an input that cannot be read

	exitInUse = 75 // another process has the data directory: try again later (EX_TEMPFAIL)
	exitData  = 78 // the data directory cannot be used until somebody has mended something (EX_CONFIG)
)

// command is one subcommand: its help and reference page are printed from it.
type command struct {
	name    string
	args    string // what follows the flags, "" if nothing may
	summary string // one line, no full stop
	doc     string // paragraphs
	example string // lines that can be typed
	// flags declares the command's flags and returns what runs it with the arguments left.
	flags func(fs *flag.FlagSet) func(c *cli, args []string) error
}

// cli is a command's surroundings.
type cli struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	commands []*command
}

// usageError is a mistake in how a command was called.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errFailed ends a command with status 1 after it has printed why.
var errFailed = errors.New("failed")

// commands are in the order of a first day with zeta.
func commands() []*command {
	return []*command{serveCommand, reloadCommand, checkCommand, testCommand, fmtCommand, sendCommand, queryCommand, tailCommand, silenceCommand, deadCommand, journalCommand, certCommand, operatorsCommand, lspCommand, docsCommand, versionCommand}
}

func main() {
	os.Exit(run(os.Args[1:], &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, commands: commands()}))
}

// run carries out the command line and returns the exit status.
func run(args []string, c *cli) int {
	if len(args) == 0 {
		printOverview(c.err)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) == 1 || args[0] != "help" {
			printOverview(c.out)
			return exitOK
		}
		cmd := find(args[1])
		if cmd == nil {
			return unknown(args[1], c)
		}
		printHelp(c.out, cmd)
		return exitOK
	case "-v", "-version", "--version":
		args[0] = "version"
	}
	cmd := find(args[0])
	if cmd == nil {
		return unknown(args[0], c)
	}
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	start := cmd.flags(fs)
	err := parseFlags(fs, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		printHelp(c.out, cmd)
		return exitOK
	}
	if err == nil {
		if cmd.args == "" && fs.NArg() > 0 {
			err = usagef("it takes no argument %q", fs.Arg(0))
		} else {
			err = start(c, fs.Args())
		}
	} else {
		err = usageError{err}
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailure
	case errors.As(err, &usage):
		fmt.Fprintf(c.err, "zeta %s: %v\nusage: %s\nzeta help %s tells more.\n", cmd.name, err, usageLine(cmd), cmd.name)
		return exitUsage
	}
	fmt.Fprintf(c.err, "zeta %s: %v\n", cmd.name, err)
	if status := statusError(nil); errors.As(err, &status) {
		return status.exit()
	}
	return exitFailure
}

// statusError is an error with an exit status of its own.
type statusError interface {
	error
	exit() int
}

// parseFlags lets flags stand before and after the arguments.
func parseFlags(fs *flag.FlagSet, args []string) error {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			return err
		}
		args = fs.Args()
		if len(args) == 0 {
			return fs.Parse(append([]string{"--"}, rest...))
		}
		rest = append(rest, args[0])
		args = args[1:]
	}
}

func find(name string) *command {
	for _, cmd := range commands() {
		if cmd.name == name {
			return cmd
		}
	}
	return nil
}

func unknown(name string, c *cli) int {
	var names []string
	for _, cmd := range commands() {
		names = append(names, cmd.name)
	}
	hint := ""
	if i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, name) || strings.HasPrefix(name, n) }); i >= 0 && name != "" {
		hint = fmt.Sprintf("; did you mean %q?", names[i])
	}
	fmt.Fprintf(c.err, "zeta: there is no command %q%s\nThe commands are %s.\n", name, hint, strings.Join(names, ", "))
	return exitUsage
}

func usageLine(cmd *command) string {
	line := "zeta " + cmd.name
	if hasFlags(cmd) {
		line += " [flags]"
	}
	if cmd.args != "" {
		line += " " + cmd.args
	}
	return line
}

func hasFlags(cmd *command) bool {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	cmd.flags(fs)
	n := 0
	fs.VisitAll(func(*flag.Flag) { n++ })
	return n > 0
}

func printOverview(w io.Writer) {
	fmt.Fprint(w, "zeta routes monitoring events: Riemann's protocol in, rules as expressions, a live dashboard, alerts out.\n\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", cmd.name, cmd.summary)
	}
	fmt.Fprint(w, "\n`zeta serve` starts everything on this machine; `zeta help COMMAND` tells more about one command.\n")
}

func printHelp(w io.Writer, cmd *command) {
	fmt.Fprintf(w, "%s – %s\n\n%s\n", usageLine(cmd), cmd.summary, strings.TrimSpace(cmd.doc))
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	cmd.flags(fs)
	if hasFlags(cmd) {
		fmt.Fprint(w, "\nFlags:\n")
		fs.VisitAll(func(f *flag.Flag) {
			name, text := flag.UnquoteUsage(f)
			if name != "" {
				name = " " + name
			}
			if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
				text += fmt.Sprintf(" (default %s)", f.DefValue)
			}
			fmt.Fprintf(w, "  --%s%s\n        %s\n", f.Name, name, text)
		})
	}
	if cmd.example != "" {
		fmt.Fprintf(w, "\nExamples:\n  %s\n", strings.ReplaceAll(strings.TrimSpace(cmd.example), "\n", "\n  "))
	}
}
