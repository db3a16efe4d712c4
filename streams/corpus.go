package streams

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// CaseResult is the outcome of one case of a corpus file; it has passed if Failures is empty.
type CaseResult struct {
	Operator string
	Name     string
	Rule     string
	Problems Problems // the rule does not load
	Failures []string // one for each tap that saw something else, several lines each
}

// Passed reports whether the case holds.
func (r CaseResult) Passed() bool { return len(r.Failures) == 0 && r.Problems.Err() == nil }

// corpusFile is the form of a corpus file.
type corpusFile struct {
	Operator string
	Cases    []corpusCase
}

type corpusCase struct {
	Name, Source, Rule string
	Script             []map[string]any
	Expect             map[string][]any
	Tolerance          *float64
}

// RunCorpus runs the cases of one corpus file: {"operator": …, "cases": [{"name", "rule", "script", "expect",
// "tolerance"}]}. The rule is built with the clock at 0; script steps push an event or a batch, as they are and without moving
// the clock, or run the timers due up to a time. Bare unknown names are taps, and a tap that expect leaves
// out has seen nothing. The error says that the file cannot be read.
func RunCorpus(r io.Reader, opts RunOptions) ([]CaseResult, error) {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	var f corpusFile
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("read corpus: %w", err)
	}
	var results []CaseResult
	for _, c := range f.Cases {
		result := CaseResult{Operator: f.Operator, Name: c.Name, Rule: c.Rule}
		c.run(&result, opts)
		results = append(results, result)
	}
	return results, nil
}

func (c *corpusCase) run(result *CaseResult, opts RunOptions) {
	fail := func(format string, args ...any) {
		result.Failures = append(result.Failures, fmt.Sprintf(format, args...))
	}
	rules, problems := LoadText(result.Operator, c.Rule, LoadOptions{Taps: true, Root: Unknown, Getenv: noEnv})
	if problems.Err() != nil {
		result.Problems = problems
		return
	}
	opts.Index = nil // what expires, the script pushes
	run, err := newTestRun(rules, opts)
	if err != nil {
		fail("%v", err)
		return
	}
	defer func() { run.graph.Close() }()
	for i, step := range c.Script {
		if err := run.step(step); err != nil {
			fail("step %d: %v", i+1, err)
			return
		}
		if err := run.restart(); err != nil {
			fail("step %d: %v", i+1, err)
			return
		}
	}
	tolerance := defaultTolerance
	if c.Tolerance != nil {
		tolerance = *c.Tolerance
	}
	names := maps.Clone(rules.taps)
	for name := range c.Expect {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if registry[name] != nil || rules.isLet(name) {
			continue // a let is no tap of the corpus
		}
		if d := diff(name, c.Expect[name], run.rec.seen[name], tolerance); d != "" {
			fail("%s", d)
		}
	}
}

// step runs one step of a script.
func (t *testRun) step(step map[string]any) error {
	if at, ok := step["at"]; ok {
		n, ok := anyNumber(at)
		if !ok {
			return fmt.Errorf("at %v is no time", at)
		}
		s, _ := n.Number()
		t.graph.Advance(scriptTime(s))
		return nil
	}
	if fields, ok := step["event"].(map[string]any); ok {
		e, err := eventOf(fields)
		if err != nil {
			return err
		}
		t.push(EventValue(e))
		return nil
	}
	list, ok := step["batch"].([]any)
	if !ok {
		return fmt.Errorf("found %s, want event, batch or at", anyText(step))
	}
	v := WindowValue(nil)
	for _, x := range list {
		fields, ok := x.(map[string]any)
		if !ok {
			v.Window = append(v.Window, nil)
			continue
		}
		e, err := eventOf(fields)
		if err != nil {
			return err
		}
		v.Window = append(v.Window, e)
	}
	t.push(v)
	return nil
}

func noEnv(string) (string, bool) { return "", false }
