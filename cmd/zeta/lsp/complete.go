package lsp

import (
	"slices"
	"strconv"
	"strings"

	"zeta/streams"
)

// completer collects the items for one place.
type completer struct {
	words *dictionary
	scene scene
	items []completionItem
	seen  map[string]bool
}

// add offers words; rank 0 comes first.
func (c *completer) add(rank int, list ...entry) {
	for _, e := range list {
		key := e.name + strconv.Itoa(e.kind)
		if c.seen[key] {
			continue
		}
		c.seen[key] = true
		c.items = append(c.items, completionItem{Label: e.name, Kind: e.kind, Detail: e.summary, SortText: strconv.Itoa(rank) + e.name})
	}
}

// complete returns what can stand at a place.
func complete(words *dictionary, s scene, names []named, attributes []string) []completionItem {
	c := &completer{words: words, scene: s, items: []completionItem{}, seen: map[string]bool{}}
	call, path, inCall := s.call()
	switch {
	case s.literal:
	case s.before == "attributes" || strings.HasSuffix(s.before, ".attributes"):
		for _, a := range attributes {
			c.add(0, entry{name: a, kind: itemProperty})
		}
	case s.before == "event":
		c.add(0, ofKind(fields[:len(fields)-1], itemField)...)
	case s.before != "":
		for _, e := range words.dotted {
			if family, kind, _ := strings.Cut(e.name, "."); family == s.before {
				c.add(0, entry{name: kind, summary: e.summary, kind: e.kind})
			}
		}
	case s.atKey():
		c.keys(call, path, inCall)
	case s.start:
		c.statement(names)
	case inCall && c.enum(call, path):
	default:
		c.argument(call, inCall, names)
	}
	return c.items
}

// ofKind gives entries a kind of item.
func ofKind(list []entry, kind int) []entry {
	list = slices.Clone(list)
	for i := range list {
		list[i].kind = kind
	}
	return list
}

// keys offers the keys of a map: options or fields, without those that are there.
func (c *completer) keys(call bracket, path []string, inCall bool) {
	if !inCall {
		return
	}
	given := c.scene.brackets[len(c.scene.brackets)-1].keys
	if options, ok := c.words.options(call.name, path); ok {
		for _, o := range options {
			if !slices.Contains(given, o.Name) {
				c.add(0, entry{name: o.Name, summary: o.Type + ": " + o.Doc, kind: itemProperty})
			}
		}
	} else if len(path) == 0 && c.words.takesFields(call.name) {
		for _, f := range ofKind(fields[:len(fields)-1], itemField) {
			if !slices.Contains(given, f.name) {
				c.add(0, f)
			}
		}
	}
}

// statement offers what can begin a statement.
func (c *completer) statement(names []named) {
	c.add(0, c.words.operators...)
	c.names(0, names)
	c.add(0, c.words.sinks...)
	for _, e := range statements {
		if slices.Contains([]string{"let", "def", "include", "test", "listen", "id"}, e.name) {
			e.kind = itemKeyword
			c.add(1, e)
		}
	}
	for _, e := range c.words.dotted {
		family, _, _ := strings.Cut(e.name, ".")
		c.add(1, entry{name: family, kind: itemKeyword})
	}
	c.add(1, c.words.settings...)
}

func (c *completer) names(rank int, names []named) {
	for _, n := range names {
		kind, summary := itemVariable, "let in "+n.path
		if n.Kind == "def" {
			kind, summary = itemFunction, n.Name+"("+strings.Join(n.Params, ", ")+") in "+n.path
		}
		c.add(rank, entry{name: n.Name, summary: summary, kind: kind})
	}
}

// enum offers the texts that an argument or an option can be, and reports whether it is such.
func (c *completer) enum(call bracket, path []string) bool {
	var arg *streams.ArgDoc
	top := c.scene.brackets[len(c.scene.brackets)-1]
	if top.open == '{' {
		options, _ := c.words.options(call.name, path)
		if i := slices.IndexFunc(options, func(a streams.ArgDoc) bool { return a.Name == top.key }); i >= 0 {
			arg = &options[i]
		}
	} else if top.open == '(' {
		arg = c.expected(call)
	}
	if arg == nil || len(arg.Enum) == 0 {
		return false
	}
	for _, text := range arg.Enum {
		c.add(0, entry{name: strconv.Quote(text), kind: itemMember})
	}
	return true
}

// expected returns what is documented of the argument at the place, nil if nothing is.
func (c *completer) expected(call bracket) *streams.ArgDoc {
	doc := c.words.doc(call.name)
	if doc == nil {
		return nil
	}
	n := 0
	for i := range doc.Args {
		if a := &doc.Args[i]; !a.Option {
			if n == call.arg || a.Rest {
				return a
			}
			n++
		}
	}
	return nil
}

// argument offers what can stand inside a call, the likeliest first.
func (c *completer) argument(call bracket, inCall bool, names []named) {
	streamRank, valueRank, foldRank := 0, 1, 2
	if inCall {
		if arg := c.expected(call); arg != nil && !arg.Branch {
			streamRank, valueRank = 1, 0
			if strings.Contains(arg.Type, "fold") {
				foldRank, valueRank = 0, 1
			}
		}
		if slices.Contains([]string{"test", "at", "expect"}, call.name) {
			for _, e := range append(ofKind(statements, itemKeyword), ofKind(fields, itemKeyword)...) {
				if slices.Contains([]string{"at", "expect", "event"}, e.name) {
					c.add(0, e)
				}
			}
		}
	}
	c.names(0, names)
	c.add(streamRank, c.words.operators...)
	c.add(streamRank, c.words.sinks...)
	c.add(valueRank, ofKind(fields, itemField)...)
	c.add(valueRank+1, c.words.functions...)
	c.add(foldRank, c.words.folds...)
	for _, e := range ofKind(statements, itemKeyword) {
		if slices.Contains([]string{"else", "id", "env", "regex"}, e.name) {
			c.add(2, e)
		}
	}
}
