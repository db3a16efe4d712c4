package main

import (
	"flag"
	"fmt"
	"os"

	"zeta/streams"
)

var checkCommand = &command{
	name:    "check",
	args:    "FILE…",
	summary: "say what is wrong with rules",
	doc: `Reads files of rules and what they include, and prints every problem of all of them: where it is, what was found, what
was expected, and what to do. Warnings alone are no failure. Exit status 1 means problems, 2 a file that cannot be read.
Environment variables that are not set count as empty.

With --graph it prints the compiled graph and nothing else, problems apart, which then go to standard error. As json: version
(1), files, nodes and edges. A node has an id, kind (root, operator, sink), name, arguments (without secrets), position, the let
it is part of, what it takes and gives (events, windows, or events or windows), stateful, and the identity of its sink; an edge has
from, to and a label (else, a condition of split). The id of an operator with state is the identity by which its state survives a
reload. As dot: the same for Graphviz.`,
	example: `zeta check zeta.expr
zeta check rules.d/*.expr
zeta check --graph dot zeta.expr | dot -Tsvg > rules.svg
zeta check --graph json zeta.expr | jq -r '.nodes[] | select(.stateful) | .id'`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		graph := fs.String("graph", "", "print the compiled graph in this `FORM`: json or dot")
		return func(c *cli, args []string) error {
			if len(args) == 0 {
				return usagef("name the files to check")
			}
			switch *graph {
			case "":
				return check(c, args)
			case "json", "dot":
				return printGraph(c, args, *graph)
			}
			return usagef("--graph %q: want json or dot", *graph)
		}
	},
}

func printGraph(c *cli, files []string, form string) error {
	rules, problems := loadRules(files)
	if err := readable(files); err != nil {
		return err
	}
	if len(problems) > 0 {
		fmt.Fprintln(c.err, problems.Error())
	}
	if problems.Err() != nil {
		return errFailed
	}
	if form == "dot" {
		fmt.Fprint(c.out, rules.Diagram().DOT())
		return nil
	}
	c.out.Write(rules.Diagram().JSON())
	return nil
}

func check(c *cli, files []string) error {
	rules, problems := loadRules(files)
	if problems == nil && rules == nil {
		return readable(files)
	}
	for _, p := range problems {
		fmt.Fprintln(c.out, p.Error())
	}
	if len(problems) > 0 {
		fmt.Fprintln(c.out, problems.Summary())
	}
	if err := readable(files); err != nil {
		return err
	}
	if problems.Err() != nil {
		return errFailed
	}
	count := func(n int, noun string) string { return fmt.Sprintf("%d %s", n, plural(n, noun)) }
	fmt.Fprintf(c.out, "%s, %s, %s, %s: no problem\n",
		count(len(rules.Files), "file"), count(len(rules.Tests), "test"), count(len(rules.Sinks), "sink"), count(len(rules.Listeners), "listener"))
	return nil
}

// loadRules loads files as check and test see them.
func loadRules(files []string) (*streams.Rules, streams.Problems) {
	return streams.Load(files, streams.LoadOptions{})
}

// readable returns an error for the first file that cannot be opened.
func readable(files []string) error {
	for _, f := range files {
		file, err := os.Open(f)
		if err != nil {
			return usageError{err}
		}
		file.Close()
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
