package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"zeta/streams"
)

//go:generate go run . docs ../../docs/reference

var docsCommand = &command{
	name:    "docs",
	args:    "[DIRECTORY]",
	summary: "write the reference pages",
	doc: `Writes operators.md, sinks.md, listeners.md and cli.md to a directory, printed from the same registrations that the
program runs on. The pages under docs/reference and the grammar under editors are made so, by go generate ./cmd/zeta.`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		grammarFile := fs.String("grammar", "", "instead, write the TextMate grammar of the rule language to `FILE`")
		return func(c *cli, args []string) error {
			if *grammarFile != "" {
				if len(args) > 0 {
					return usagef("--grammar writes no pages; leave out the directory")
				}
				return os.WriteFile(*grammarFile, grammar(), 0o644)
			}
			if len(args) != 1 {
				return usagef("name one directory")
			}
			return writeDocs(args[0], c.commands)
		}
	},
}

func writeDocs(dir string, all []*command) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range referencePages(all) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// referencePages returns the generated pages by file name.
func referencePages(all []*command) map[string]string {
	return map[string]string{
		"operators.md": operatorsPage(),
		"sinks.md":     docPage("Sinks", "streams.RegisterSink", "A sink takes what rules send out of zeta. It is called like an operator without children.", streams.Sinks(), ""),
		"listeners.md": docPage("Listeners, sources and settings", "streams.RegisterListener, RegisterSource and RegisterSetting", "A listener is a door for events. If any file of the rules has a `listen.` statement, only those listeners start. A probe or a source is what zeta looks at itself.", streams.Listeners(), "listen.") + docSections(streams.Sources(), "") + docSections(streams.Settings(), ""),
		"cli.md":       cliPage(all),
	}
}

func pageHead(title, source, intro string) string {
	return fmt.Sprintf("<!-- Generated from %s by go generate ./cmd/zeta; do not edit. -->\n# %s\n\n%s\n", source, title, intro)
}

func operatorsPage() string {
	var b strings.Builder
	b.WriteString(pageHead("Operators, folds and functions", "streams.Register",
		"Every example on this page is run by the tests. `zeta operators NAME` prints the same in a terminal."))
	b.WriteString("\n| operator | what it does |\n|---|---|\n")
	for _, d := range streams.Operators() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", d.Name, strings.ToLower(d.Name), cell(d.Summary))
	}
	b.WriteString(docSections(streams.Operators(), ""))
	b.WriteString("\n## Folds\n\nA fold makes one event of a window: `smap(mean, …)`.\n\n| fold | what it makes | differs from Riemann |\n|---|---|---|\n")
	for _, f := range streams.Folds() {
		name := "`" + f.Name + "`"
		if f.Alias != "" {
			name += ", `" + f.Alias + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, cell(strings.TrimSpace(f.Summary+" "+f.Doc)), cell(f.Differs))
	}
	b.WriteString("\n## Functions\n\nIn expressions. A missing argument makes a missing result, unless the function says otherwise.\n\n| function | what it gives | example |\n|---|---|---|\n")
	for _, f := range streams.Builtins() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", cell(f.Signature), cell(f.Summary), cell(f.Example))
	}
	for _, part := range []struct {
		title, intro string
		words        []streams.Word
	}{
		{"Fields", "Of an event, in expressions.", streams.Fields()},
		{"The language itself", "Statements are separated by `;`.", streams.Statements()},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| word | what it is |\n|---|---|\n", part.title, part.intro)
		for _, w := range part.words {
			fmt.Fprintf(&b, "| `%s` | %s |\n", cell(w.Form), cell(strings.TrimSpace(w.Summary+" "+w.Doc)))
		}
	}
	return b.String()
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}

func docPage(title, source, intro string, docs []streams.Doc, prefix string) string {
	return pageHead(title, source, intro) + docSections(docs, prefix)
}

func docSections(docs []streams.Doc, prefix string) string {
	var b strings.Builder
	for _, d := range docs {
		d.Name = prefix + d.Name
		fmt.Fprintf(&b, "\n## %s\n\n`%s`\n\n%s\n", d.Name, callForm(d), d.Summary)
		if d.Doc != "" {
			fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(d.Doc))
		}
		if len(d.Args) > 0 {
			b.WriteString("\n| argument | kind | meaning |\n|---|---|---|\n")
			argRows(&b, d.Args, "")
		}
		for _, p := range [][2]string{{"Kinds", d.Flow()}, {"Clock", d.Clock}, {"Bounds", d.Bounds}, {"Semantics from", d.Source}, {"Differs from Riemann", d.Differs}} {
			if p[1] != "" && p[1] != "none" {
				fmt.Fprintf(&b, "\n*%s:* %s\n", p[0], strings.TrimSpace(p[1]))
			}
		}
		for _, e := range d.Examples {
			fmt.Fprintf(&b, "\n```\n// %s\n%s\n", e.Title, strings.TrimSpace(e.Rule))
			if e.Test != "" {
				fmt.Fprintf(&b, "test(%q,\n  %s);\n", e.Title, e.Test)
			}
			b.WriteString("```\n")
		}
	}
	return b.String()
}

func argRows(b *strings.Builder, args []streams.ArgDoc, parent string) {
	for _, a := range args {
		name := parent + a.Name
		switch {
		case a.Option || parent != "":
			name = "{" + name + "}"
		case a.Rest:
			name += "…"
		case a.Optional:
			name = "[" + name + "]"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, cell(a.Type+limits(a)), cell(a.Doc))
		argRows(b, a.Options, a.Name+".")
	}
}

func cliPage(all []*command) string {
	var b strings.Builder
	b.WriteString(pageHead("The command line", "cmd/zeta", "Exit status 0: done. 1: the answer is no. 2: wrong flags, or an input that cannot be read."))
	for _, cmd := range all {
		var help bytes.Buffer
		printHelp(&help, cmd)
		fmt.Fprintf(&b, "\n## zeta %s\n\n```\n%s```\n", cmd.name, help.String())
	}
	return b.String()
}
