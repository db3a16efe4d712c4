package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"zeta/streams"
)

var operatorsCommand = &command{
	name:    "operators",
	args:    "[NAME]",
	summary: "explain the words of the rule language",
	doc: `Without a name it lists the operators, folds, sinks, listeners, sources, settings, functions, fields and statements with a sentence each. With one it
prints all about it: arguments with their bounds and defaults, semantics, the clock it follows, what is bounded and how,
what differs from Riemann, and examples, each of which is run by zeta's own tests.`,
	example: `zeta operators
zeta operators throttle
zeta operators listen.tcp
zeta operators property`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		return func(c *cli, args []string) error {
			switch len(args) {
			case 0:
				listWords(c.out)
				return nil
			case 1:
				return explain(c, args[0])
			}
			return usagef("it takes one name")
		}
	},
}

// word is a name of the rule language with what the list says of it.
type word struct{ name, summary string }

// words returns the names of the rule language by group, in the order of the reference.
func words() []struct {
	group string
	words []word
} {
	docs := func(ds []streams.Doc, prefix string) (ws []word) {
		for _, d := range ds {
			ws = append(ws, word{prefix + d.Name, d.Summary})
		}
		return ws
	}
	var folds, functions []word
	for _, f := range streams.Folds() {
		folds = append(folds, word{f.Name, f.Summary})
	}
	for _, b := range streams.Builtins() {
		functions = append(functions, word{b.Name, b.Summary})
	}
	return []struct {
		group string
		words []word
	}{
		{"Operators", docs(streams.Operators(), "")},
		{"Folds", folds},
		{"Sinks", docs(streams.Sinks(), "")},
		{"Listeners", docs(streams.Listeners(), "listen.")},
		{"Probes and sources", docs(streams.Sources(), "")},
		{"Settings", docs(streams.Settings(), "")},
		{"Functions", functions},
		{"Fields", ofWords(streams.Fields())},
		{"The language itself", ofWords(streams.Statements())},
	}
}

func ofWords(all []streams.Word) (ws []word) {
	for _, w := range all {
		ws = append(ws, word{w.Name, w.Summary})
	}
	return ws
}

func listWords(w io.Writer) {
	for i, g := range words() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s\n", g.group)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, word := range g.words {
			fmt.Fprintf(tw, "  %s\t%s\n", word.name, word.summary)
		}
		tw.Flush()
	}
}

func explain(c *cli, name string) error {
	for _, list := range []struct {
		docs   []streams.Doc
		prefix string
	}{{streams.Operators(), ""}, {streams.Sinks(), ""}, {streams.Listeners(), "listen."}, {streams.Sources(), ""}, {streams.Settings(), ""}} {
		for _, d := range list.docs {
			if list.prefix+d.Name == name || d.Name == name && list.prefix != "" {
				d.Name = list.prefix + d.Name
				printDoc(c.out, d)
				return nil
			}
		}
	}
	for _, f := range streams.Folds() {
		if f.Name == name || f.Alias == name && name != "" {
			fmt.Fprintf(c.out, "%s – %s\n", f.Name, f.Summary)
			printParagraphs(c.out, [][2]string{{"", f.Doc}, {"Semantics from", f.Source}, {"Differs from Riemann", f.Differs}})
			return nil
		}
	}
	for _, b := range streams.Builtins() {
		if b.Name == name {
			fmt.Fprintf(c.out, "%s – %s\n\n  %s\n", b.Signature, b.Summary, b.Example)
			return nil
		}
	}
	for _, w := range append(streams.Statements(), streams.Fields()...) {
		if w.Name == name {
			fmt.Fprintf(c.out, "%s – %s\n", w.Form, w.Summary)
			printParagraphs(c.out, [][2]string{{"", w.Doc}})
			if w.Args != nil {
				fmt.Fprintln(c.out, "\nArguments:")
				printArgs(c.out, w.Args, "  ")
			}
			return nil
		}
	}
	here, instead := streams.FormerName(name)
	if here != name && known(here) {
		return explain(c, here)
	}
	if instead != "" {
		fmt.Fprintf(c.err, "zeta operators: the rule language has no %q; %s\n", name, instead)
		return errFailed
	}
	var close, all []string
	for _, g := range words() {
		for _, w := range g.words {
			all = append(all, w.name)
			if len(name) > 2 && strings.Contains(strings.ToLower(w.name), strings.ToLower(name)) || len(w.name) > 2 && strings.Contains(strings.ToLower(name), strings.ToLower(w.name)) {
				close = append(close, w.name)
			}
		}
	}
	if n := streams.Nearest(name, all); n != "" && len(close) == 0 {
		close = []string{n}
	}
	hint := "zeta operators lists all"
	if len(close) > 0 {
		hint = "perhaps " + strings.Join(close, ", ")
	}
	fmt.Fprintf(c.err, "zeta operators: the rule language has no %q; %s\n", name, hint)
	return errFailed
}

// known reports whether the language has a word.
func known(name string) bool {
	for _, g := range words() {
		if slices.ContainsFunc(g.words, func(w word) bool { return w.name == name }) {
			return true
		}
	}
	return false
}

func printDoc(w io.Writer, d streams.Doc) {
	fmt.Fprintf(w, "%s – %s\n", callForm(d), d.Summary)
	printParagraphs(w, [][2]string{{"", d.Doc}})
	if len(d.Args) > 0 {
		fmt.Fprintln(w, "\nArguments:")
		printArgs(w, d.Args, "  ")
	}
	clock := d.Clock
	if clock == "none" {
		clock = ""
	}
	printParagraphs(w, [][2]string{{"Kinds", d.Flow()}, {"Clock", clock}, {"Bounds", d.Bounds}, {"Semantics from", d.Source}, {"Differs from Riemann", d.Differs}})
	for _, e := range d.Examples {
		fmt.Fprintf(w, "\nExample: %s\n  %s\n", e.Title, indent(e.Rule))
		if e.Test != "" {
			fmt.Fprintf(w, "  test(%q, %s);\n", e.Title, e.Test)
		}
	}
}

// callForm is "throttle(limit, every, children…)".
func callForm(d streams.Doc) string {
	var args []string
	options := false
	for _, a := range d.Args {
		switch {
		case a.Option:
			options = true
		case a.Rest:
			args = append(args, a.Name+"…")
		case a.Optional:
			args = append(args, "["+a.Name+"]")
		default:
			args = append(args, a.Name)
		}
	}
	if options {
		args = append(args, "{options}")
	}
	rest := len(d.Args) > 0 && d.Args[len(d.Args)-1].Rest
	if !d.Leaf && !rest {
		args = append(args, "children…")
	}
	return d.Name + "(" + strings.Join(args, ", ") + ")"
}

func printArgs(w io.Writer, args []streams.ArgDoc, margin string) {
	for _, a := range args {
		name := a.Name
		if a.Option {
			name = "{" + a.Name + ": …}"
		}
		fmt.Fprintf(w, "%s%s: %s%s\n%s    %s\n", margin, name, a.Type, limits(a), margin, a.Doc)
		printArgs(w, a.Options, margin+"    ")
	}
}

// limits says what values an argument may have.
func limits(a streams.ArgDoc) string {
	var parts []string
	if len(a.Enum) > 0 {
		parts = append(parts, strings.Join(a.Enum, " or "))
	}
	if a.Min != "" {
		parts = append(parts, "at least "+a.Min)
	}
	if a.Max != "" {
		parts = append(parts, "at most "+a.Max)
	}
	if a.Default != "" {
		parts = append(parts, "default "+a.Default)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// printParagraphs prints the texts that are there, each behind its label.
func printParagraphs(w io.Writer, paragraphs [][2]string) {
	for _, p := range paragraphs {
		if p[1] == "" {
			continue
		}
		fmt.Fprintln(w)
		if p[0] != "" {
			fmt.Fprintf(w, "%s: ", p[0])
		}
		fmt.Fprintln(w, strings.TrimSpace(p[1]))
	}
}

func indent(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") }
