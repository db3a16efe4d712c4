package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zeta/index"
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
failed or rules have problems, 2 that a file cannot be read.

A property statement says what holds whatever comes in, and is tried with events made at random; the smallest events that
break it are printed as a test. zeta operators test and zeta operators property tell how they are written. With --coverage
it also says what no test has reached; that is no failure.

With --from-journal the rules run on the events that zeta serve --data DIR has recorded, at the times when they came, and
it says how many values each named stream and sink saw; properties are held to that. Nothing is sent. It is as if sources
never went silent: what expires in an index is not part of it.`,
	example: `zeta test zeta.expr
zeta test --run disk rules.d
zeta test --coverage --junit report.xml /etc/zeta
zeta test --watch zeta.expr
zeta test --from-journal /var/lib/zeta new.expr
zeta test --restart streams/testdata/conformance query/testdata/query.json`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var o testFlags
		fs.StringVar(&o.run, "run", "", "run only tests whose name contains `TEXT`")
		fs.BoolVar(&o.verbose, "v", false, "name the tests that pass, too")
		fs.BoolVar(&o.restart, "restart", false, "save all state, build the rules anew and load it after every step")
		fs.BoolVar(&o.coverage, "coverage", false, "say which conditions were never true or never false, and which streams and sinks never ran")
		fs.BoolVar(&o.watch, "watch", false, "run again whenever a file changes, until interrupted")
		fs.StringVar(&o.junit, "junit", "", "write the results to `FILE` as JUnit XML, too")
		fs.StringVar(&o.journal, "from-journal", "", "instead of tests, run the rules on what the data directory `DIR` has recorded")
		return func(c *cli, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("name files or directories with tests")
			case o.journal != "" && (o.restart || o.watch || o.junit != "" || o.coverage):
				return usagef("--from-journal goes with --run and -v only")
			case o.journal != "":
				return o.testJournal(c, args)
			}
			if o.watch {
				return o.watchTests(c, args)
			}
			_, err := o.test(c, args)
			return err
		}
	},
}

type testFlags struct {
	run              string
	verbose, restart bool
	coverage, watch  bool
	junit, journal   string
	opened           func(name string) // told of every file that is read; may be nil
}

// fileReport is what became of one file.
type fileReport struct {
	name     string
	problems streams.Problems // the rules cannot be loaded: nothing ran
	outcomes []outcome
	coverage *streams.Coverage // of rules, if asked for
	took     time.Duration
}

// outcome is a test that has run.
type outcome struct {
	name, pos string // pos is file:line:col, "" where there is none
	failures  []string
}

// test runs the tests of all files below paths once and prints what became of them.
func (o *testFlags) test(c *cli, paths []string) ([]fileReport, error) {
	files, err := testFiles(paths)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var reports []fileReport
	passed, failed, broken := 0, 0, false
	for _, f := range files {
		start := time.Now()
		r, err := o.runFile(f)
		if err != nil {
			return nil, err
		}
		r.name, r.took = f, time.Since(start)
		reports = append(reports, r)
		if r.problems != nil {
			fmt.Fprintln(c.out, r.problems.Error())
			broken = true
			continue
		}
		p, n := o.print(c, r)
		passed, failed = passed+p, failed+n
	}
	for _, r := range reports {
		if r.coverage != nil {
			printCoverage(c.out, r.name, r.coverage)
		}
	}
	fmt.Fprintf(c.out, "%d passed, %d failed (%d %s, %v)\n", passed, failed, len(files), plural(len(files), "file"), time.Since(began).Round(time.Millisecond))
	if o.junit != "" {
		if err := writeJUnit(o.junit, reports); err != nil {
			return reports, err
		}
	}
	if failed > 0 || broken {
		return reports, errFailed
	}
	if passed == 0 {
		fmt.Fprintln(c.err, "there was nothing to run; a test is written test(\"name\", at(0, event({…})), expect(…))")
	}
	return reports, nil
}

// print prints the tests of one file and counts them.
func (o *testFlags) print(c *cli, r fileReport) (passed, failed int) {
	for _, t := range r.outcomes {
		if len(t.failures) == 0 {
			passed++
			if o.verbose {
				fmt.Fprintf(c.out, "ok   %s: %s\n", r.name, t.name)
			}
			continue
		}
		failed++
		fmt.Fprintf(c.out, "FAIL %s: %s\n", r.name, t.name)
		for _, text := range t.failures {
			fmt.Fprintf(c.out, "  %s\n", strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  "))
		}
	}
	return passed, failed
}

// printCoverage prints what the tests of a file have not reached.
func printCoverage(w io.Writer, name string, c *streams.Coverage) {
	for _, g := range c.Gaps {
		fmt.Fprintf(w, "%s: %s: %s\n", g.Pos, g.Operator, g.Text)
	}
	fmt.Fprintf(w, "coverage of %s: %d of %d conditions both ways, %d of %d streams ran\n", name, c.BothWays, c.Conditions, c.Ran, c.Streams)
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
func (o *testFlags) runFile(name string) (fileReport, error) {
	opts := streams.RunOptions{Restart: o.restart, Index: newTestIndex, Only: func(name string) bool { return strings.Contains(name, o.run) }}
	if filepath.Ext(name) == ".json" {
		return o.runCorpus(name, opts)
	}
	var r fileReport
	if err := readable([]string{name}); err != nil {
		return r, err
	}
	rules, problems := streams.Load([]string{name}, streams.LoadOptions{Coverage: o.coverage, Opened: o.opened})
	if problems.Err() != nil {
		r.problems = problems
		return r, nil
	}
	for _, t := range rules.RunTests(opts) {
		r.outcomes = append(r.outcomes, outcome{t.Name, t.Pos, t.Failures})
	}
	if o.coverage {
		c := rules.Coverage()
		r.coverage = &c
	}
	return r, nil
}

// newTestIndex makes the index of a test: the one that serves.
func newTestIndex() streams.ExpiringIndex { return index.New(index.Options{}) }

// runCorpus runs the cases of a conformance file.
func (o *testFlags) runCorpus(name string, opts streams.RunOptions) (r fileReport, err error) {
	if o.opened != nil {
		o.opened(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return r, usageError{err}
	}
	add := func(name string, failures []string) {
		if opts.Only(name) {
			r.outcomes = append(r.outcomes, outcome{name: name, failures: failures})
		}
	}
	var kind struct{ Operator string }
	if err := json.Unmarshal(text, &kind); err != nil {
		return r, usagef("%s: %w", name, err)
	}
	if kind.Operator == "" {
		results, err := query.RunCorpus(bytes.NewReader(text))
		if err != nil {
			return r, usagef("%s: %w", name, err)
		}
		for _, c := range results {
			add(c.Name, c.Problems)
		}
		return r, nil
	}
	results, err := streams.RunCorpus(bytes.NewReader(text), opts)
	if err != nil {
		return r, usagef("%s: %w", name, err)
	}
	for _, c := range results {
		failures := c.Failures
		if err := c.Problems.Err(); err != nil {
			failures = append(failures, err.Error())
		}
		add(c.Operator+": "+c.Name, failures)
	}
	return r, nil
}
