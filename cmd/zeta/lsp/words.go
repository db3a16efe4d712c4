package lsp

import (
	"fmt"
	"slices"
	"strings"

	"zeta/streams"
)

// entry is a word of the rule language with what is said about it.
type entry struct {
	name, summary string
	kind          int // of a completion item
	doc           *streams.Doc
	text          string // Markdown, where there is no doc
}

// Kinds of completion items.
const (
	itemFunction = 3
	itemField    = 5
	itemVariable = 6
	itemClass    = 7
	itemModule   = 9
	itemProperty = 10
	itemKeyword  = 14
	itemMember   = 20
	itemEvent    = 23
)

// fields are the fields of an event, statements the words that mean something to the language itself.
var fields, statements = entriesOf(streams.Fields()), entriesOf(streams.Statements())

func entriesOf(words []streams.Word) (all []entry) {
	for _, w := range words {
		all = append(all, entry{name: w.Name, summary: w.Summary, text: strings.TrimSpace("```\n" + w.Form + "\n```\n" + w.Summary + "\n\n" + w.Doc)})
	}
	return all
}

// dictionary holds the words by their name; listeners and sources with their family: listen.tcp, probe.http.
type dictionary struct {
	operators, sinks, settings, dotted, folds, functions []entry
}

func newDictionary() *dictionary {
	d := &dictionary{}
	add := func(to *[]entry, docs []streams.Doc, prefix string, kind int) {
		for i := range docs {
			docs[i].Name = prefix + docs[i].Name
			*to = append(*to, entry{name: docs[i].Name, summary: docs[i].Summary, kind: kind, doc: &docs[i]})
		}
	}
	add(&d.operators, streams.Operators(), "", itemFunction)
	add(&d.sinks, streams.Sinks(), "", itemEvent)
	add(&d.settings, streams.Settings(), "", itemModule)
	add(&d.dotted, streams.Listeners(), "listen.", itemModule)
	add(&d.dotted, streams.Sources(), "", itemModule)
	for _, f := range streams.Folds() {
		text := fmt.Sprintf("**%s** – %s\n\n%s", f.Name, f.Summary, f.Doc)
		if f.Differs != "" {
			text += "\n\n*Differs from Riemann:* " + f.Differs
		}
		d.folds = append(d.folds, entry{name: f.Name, summary: f.Summary, kind: itemClass, text: text})
		if f.Alias != "" {
			d.folds = append(d.folds, entry{name: f.Alias, summary: f.Summary, kind: itemClass, text: text})
		}
	}
	for _, b := range streams.Builtins() {
		d.functions = append(d.functions, entry{name: b.Name, summary: b.Signature + ": " + b.Summary, kind: itemFunction,
			text: fmt.Sprintf("```\n%s\n```\n%s\n\n```\n%s\n```", b.Signature, b.Summary, b.Example)})
	}
	return d
}

// find returns what is known of a word; a word can be an operator and a function.
func (d *dictionary) find(name string) []entry {
	var found []entry
	for _, list := range [][]entry{d.operators, d.sinks, d.settings, d.dotted, d.folds, d.functions, statements, fields} {
		for _, e := range list {
			if e.name == name {
				found = append(found, e)
			}
		}
	}
	return found
}

// doc returns the documentation of what a call names; nil if there is none.
func (d *dictionary) doc(name string) *streams.Doc {
	for _, e := range d.find(name) {
		if e.doc != nil {
			return e.doc
		}
	}
	return nil
}

// options returns the options that a map inside a call can have; path are the keys that lead to the map. ok is
// false where a map is no map of options.
func (d *dictionary) options(call string, path []string) (options []streams.ArgDoc, ok bool) {
	doc := d.doc(call)
	if doc == nil {
		return nil, false
	}
	for _, a := range doc.Args {
		if a.Option {
			options = append(options, a)
		}
	}
	for _, key := range path {
		i := slices.IndexFunc(options, func(a streams.ArgDoc) bool { return a.Name == key })
		if i < 0 {
			return nil, false
		}
		options = options[i].Options
	}
	return options, len(options) > 0
}

// takesFields reports whether a map inside a call is one from fields to values.
func (d *dictionary) takesFields(call string) bool {
	if slices.Contains([]string{"event", "at", "expect"}, call) {
		return true
	}
	doc := d.doc(call)
	return doc != nil && slices.ContainsFunc(doc.Args, func(a streams.ArgDoc) bool {
		return strings.Contains(a.Type, "map from fields") || strings.Contains(a.Type, "a patch")
	})
}

// markdown is what a hover shows of a word.
func (e entry) markdown() string {
	switch {
	case e.doc != nil:
		return docMarkdown(e.doc)
	case e.text != "":
		return e.text
	}
	return fmt.Sprintf("**%s** – %s", e.name, e.summary)
}

func docMarkdown(d *streams.Doc) string {
	var b strings.Builder
	fmt.Fprintf(&b, "```\n%s\n```\n%s\n", d.Usage(), d.Summary)
	if d.Doc != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(d.Doc))
	}
	if len(d.Args) > 0 {
		b.WriteByte('\n')
		for _, a := range d.Args {
			fmt.Fprintf(&b, "- %s\n", argMarkdown(a))
		}
	}
	for _, p := range [][2]string{{"Clock", d.Clock}, {"Bounds", d.Bounds}, {"Differs from Riemann", d.Differs}} {
		if p[1] != "" && p[1] != "none" {
			fmt.Fprintf(&b, "\n*%s:* %s\n", p[0], p[1])
		}
	}
	if len(d.Examples) > 0 {
		fmt.Fprintf(&b, "\n```\n%s\n```\n", strings.TrimSpace(d.Examples[0].Rule))
	}
	return b.String()
}

func argMarkdown(a streams.ArgDoc) string {
	name := "`" + a.Name + "`"
	if a.Option {
		name = "`{" + a.Name + "}`"
	}
	text := fmt.Sprintf("%s (%s): %s", name, a.Type, a.Doc)
	var limits []string
	for _, l := range [][2]string{{"at least ", a.Min}, {"at most ", a.Max}, {"default ", a.Default}} {
		if l[1] != "" {
			limits = append(limits, l[0]+l[1])
		}
	}
	if len(limits) > 0 {
		text += "; " + strings.Join(limits, ", ")
	}
	return text
}
