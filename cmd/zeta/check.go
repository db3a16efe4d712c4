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
Environment variables that are not set count as empty.`,
	example: `zeta check zeta.expr
zeta check rules.d/*.expr`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		return func(c *cli, args []string) error {
			if len(args) == 0 {
				return usagef("name the files to check")
			}
			return check(c, args)
		}
	},
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
	fmt.Fprintf(c.out, "%d %s, %d tests, %d sinks, %d listeners: no problem\n",
		len(rules.Files), plural(len(rules.Files), "file"), len(rules.Tests), len(rules.Sinks), len(rules.Listeners))
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
