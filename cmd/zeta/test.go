package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zeta/query"
	"zeta/streams"
)

var testCommand = &command{
	name:    "test",
	args:    "PATH…",
	summary: "run the tests in rules and conformance files",
	doc: `Runs the test statements of .expr files, and the cases of .json conformance files (of operators and of the query
language). A directory stands for all such files below it. Time is virtual, sinks record instead of sending, and listeners
are not opened. For a failed test it prints what was missing and what was not expected. Exit status 1 means that a test
failed or rules have problems, 2 that a file cannot be read.`,
	example: `zeta test zeta.expr
zeta test --run disk rules.d
zeta test --restart streams/testdata/conformance query/testdata/query.json`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var o testFlags
		fs.StringVar(&o.run, "run", "", "run only tests whose name contains `TEXT`")
		fs.BoolVar(&o.verbose, "v", false, "name the tests that pass, too")
		fs.BoolVar(&o.restart, "restart", false, "save all state, build the rules anew and load it after every step")
		return func(c *cli, args []string) error {
			if len(args) == 0 {
				return usagef("name files or directories with tests")
			}
			return o.test(c, args)
		}
	},
}

type testFlags struct {
	run              string
	verbose, restart bool
}

// outcome is a test that has run.
type outcome struct {
	name     string
	failures []string
}

func (o *testFlags) test(c *cli, paths []string) error {
	files, err := testFiles(paths)
	if err != nil {
		return err
	}
	began := time.Now()
	passed, failed, broken := 0, 0, false
	for _, f := range files {
		outcomes, problems, err := o.runFile(f)
		if err != nil {
			return err
		}
		if problems.Err() != nil {
			fmt.Fprintln(c.out, problems.Error())
			broken = true
			continue
		}
		for _, t := range outcomes {
			switch {
			case len(t.failures) > 0:
				failed++
				fmt.Fprintf(c.out, "FAIL %s: %s\n", f, t.name)
				for _, text := range t.failures {
					fmt.Fprintf(c.out, "  %s\n", strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  "))
				}
			default:
				passed++
				if o.verbose {
					fmt.Fprintf(c.out, "ok   %s: %s\n", f, t.name)
				}
			}
		}
	}
	fmt.Fprintf(c.out, "%d passed, %d failed (%d %s, %v)\n", passed, failed, len(files), plural(len(files), "file"), time.Since(began).Round(time.Millisecond))
	if failed > 0 || broken {
		return errFailed
	}
	if passed == 0 {
		fmt.Fprintln(c.err, "there was nothing to run; a test is written test(\"name\", at(0, event({…})), expect(…))")
	}
	return nil
}

// testFiles returns the files named by paths and those below directories among them.
func testFiles(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, usageError{err}
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err == nil && !d.IsDir() && (ext == ".expr" || ext == ".json") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, usageError{err}
		}
	}
	return files, nil
}

// runFile runs the tests of one file.
func (o *testFlags) runFile(name string) ([]outcome, streams.Problems, error) {
	opts := streams.RunOptions{Restart: o.restart}
	if filepath.Ext(name) != ".json" {
		if err := readable([]string{name}); err != nil {
			return nil, nil, err
		}
		rules, problems := loadRules([]string{name})
		if problems.Err() != nil {
			return nil, problems, nil
		}
		var outcomes []outcome
		for _, r := range rules.RunTests(opts) {
			outcomes = o.add(outcomes, r.Name, r.Failures)
		}
		return outcomes, nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, usageError{err}
	}
	var kind struct{ Operator string }
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, nil, usagef("%s: %w", name, err)
	}
	var outcomes []outcome
	if kind.Operator == "" {
		results, err := query.RunCorpus(bytes.NewReader(text))
		if err != nil {
			return nil, nil, usagef("%s: %w", name, err)
		}
		for _, r := range results {
			outcomes = o.add(outcomes, r.Name, r.Problems)
		}
		return outcomes, nil, nil
	}
	results, err := streams.RunCorpus(bytes.NewReader(text), opts)
	if err != nil {
		return nil, nil, usagef("%s: %w", name, err)
	}
	for _, r := range results {
		failures := r.Failures
		if err := r.Problems.Err(); err != nil {
			failures = append(failures, err.Error())
		}
		outcomes = o.add(outcomes, r.Operator+": "+r.Name, failures)
	}
	return outcomes, nil, nil
}

func (o *testFlags) add(list []outcome, name string, failures []string) []outcome {
	if !strings.Contains(name, o.run) {
		return list
	}
	return append(list, outcome{name, failures})
}
