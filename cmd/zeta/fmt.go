package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"zeta/streams"
)

var fmtCommand = &command{
	name:    "fmt",
	args:    "[FILE…]",
	summary: "lay out rules in the one way",
	doc: `Prints files of rules, or standard input, in zeta's layout: one statement a line, and what does not fit into 100 characters
with its streams below it, each on a line of its own. Comments, single blank lines and the spelling of numbers and strings
stay; else(…) comes last. The meaning does not change. A file with mistakes in its syntax is left alone, and they are
printed. Exit status 1 means such mistakes or, with -d or --check, a file that is laid out differently.`,
	example: `zeta fmt -w zeta.expr rules.d/*.expr
zeta fmt -d zeta.expr
zeta fmt --check rules.d/*.expr
zeta fmt < zeta.expr`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var o fmtFlags
		fs.BoolVar(&o.write, "w", false, "write the files instead of printing them")
		fs.BoolVar(&o.diff, "d", false, "print what would change")
		fs.BoolVar(&o.check, "check", false, "print the names of the files that would change")
		return func(c *cli, args []string) error {
			switch {
			case o.write && (o.diff || o.check):
				return usagef("-w goes with neither -d nor --check")
			case o.write && len(args) == 0:
				return usagef("-w wants the files to write")
			case len(args) == 0:
				args = []string{"-"}
			}
			return o.run(c, args)
		}
	},
}

type fmtFlags struct{ write, diff, check bool }

func (o *fmtFlags) run(c *cli, files []string) error {
	failed := false
	for _, name := range files {
		text, err := readRules(c, name)
		if err != nil {
			return usageError{err}
		}
		shown := name
		if name == "-" {
			shown = "standard input"
		}
		formatted, problems := streams.Format(shown, string(text))
		if problems != nil {
			fmt.Fprintln(c.err, problems.Error())
			failed = true
			continue
		}
		changed := formatted != string(text)
		failed = failed || changed && (o.diff || o.check)
		switch {
		case o.write && changed:
			if err := replaceFile(name, []byte(formatted)); err != nil {
				return err
			}
		case o.write:
		case o.diff && changed:
			c.out.Write(diff.Diff(shown, text, shown+" (formatted)", []byte(formatted)))
		case o.check && changed:
			fmt.Fprintln(c.out, shown)
		case !o.diff && !o.check:
			io.WriteString(c.out, formatted)
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

// readRules reads a file, or standard input for "-".
func readRules(c *cli, name string) ([]byte, error) {
	if name != "-" {
		return os.ReadFile(name)
	}
	text, err := io.ReadAll(io.LimitReader(c.in, streams.MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return text, nil
}

// replaceFile puts a new text in the place of a file at once and keeps its mode; a link stays one.
func replaceFile(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, bytes.NewReader(text))
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}
