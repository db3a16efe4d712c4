package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"zeta/streams"
)

//go:generate go run . docs --grammar ../../editors/vscode/syntaxes/zeta.tmLanguage.json

// rule is one pattern of a TextMate grammar.
type rule struct {
	Name          string             `json:"name,omitempty"`
	Match         string             `json:"match,omitempty"`
	Begin         string             `json:"begin,omitempty"`
	End           string             `json:"end,omitempty"`
	Captures      map[string]capture `json:"captures,omitempty"`
	BeginCaptures map[string]capture `json:"beginCaptures,omitempty"`
	Patterns      []rule             `json:"patterns,omitempty"`
}

type capture struct {
	Name string `json:"name"`
}

// statementWords mean something to the language itself.
var statementWords = []string{"let", "def", "include", "test", "at", "expect", "id", "env", "regex", "else", "event", "listen", "probe", "source"}

// eventFields are the fields of an event.
var eventFields = []string{"host", "service", "state", "description", "metric", "time", "ttl", "tags", "attributes"}

// grammar returns the TextMate grammar of the rule language, whose words are those that are registered.
func grammar() []byte {
	name := `[A-Za-z_$][\w$]*`
	words := func(list []string) string {
		slices.Sort(list)
		return `(?<![\w$.])(?:` + strings.Join(slices.Compact(list), "|") + `)(?![\w$])`
	}
	names := func(docs []streams.Doc) (list []string) {
		for _, d := range docs {
			list = append(list, d.Name)
		}
		return list
	}
	var folds, functions, kinds []string
	for _, f := range streams.Folds() {
		if folds = append(folds, f.Name); f.Alias != "" {
			folds = append(folds, f.Alias)
		}
	}
	for _, f := range streams.Builtins() {
		functions = append(functions, f.Name)
	}
	for _, d := range streams.Listeners() {
		kinds = append(kinds, `listen\.`+d.Name)
	}
	for _, d := range streams.Sources() {
		kinds = append(kinds, strings.ReplaceAll(d.Name, ".", `\.`))
	}
	g := struct {
		Comment   string   `json:"information_for_contributors"`
		Name      string   `json:"name"`
		Scope     string   `json:"scopeName"`
		FileTypes []string `json:"fileTypes"`
		Patterns  []rule   `json:"patterns"`
	}{
		Comment: "Generated from the registered names by go generate ./cmd/zeta; do not edit.",
		Name:    "zeta", Scope: "source.zeta", FileTypes: []string{"expr"},
		Patterns: []rule{
			{Name: "comment.line.double-slash.zeta", Match: `//.*$`},
			{Name: "comment.block.zeta", Begin: `/\*`, End: `\*/`},
			{Name: "string.quoted.double.zeta", Begin: `"`, End: `"|$`, Patterns: []rule{{Name: "constant.character.escape.zeta", Match: `\\.`}}},
			{Name: "string.quoted.single.zeta", Begin: `'`, End: `'|$`, Patterns: []rule{{Name: "constant.character.escape.zeta", Match: `\\.`}}},
			{Name: "string.quoted.other.zeta", Begin: "`", End: "`(?!`)", Patterns: []rule{{Name: "constant.character.escape.zeta", Match: "``"}}},
			{Match: `(?<![\w$.])(let)\s+(` + name + `)\s*(=)`, Captures: map[string]capture{
				"1": {"keyword.control.zeta"}, "2": {"entity.name.variable.zeta"}, "3": {"keyword.operator.assignment.zeta"},
			}},
			{Match: `(?<![\w$.])(def)\s*\(\s*(` + name + `)`, Captures: map[string]capture{
				"1": {"keyword.control.zeta"}, "2": {"entity.name.function.zeta"},
			}},
			{Name: "entity.other.attribute-name.zeta", Match: `(?<=[{,])\s*` + name + `(?=\s*:)`},
			{Match: `(?<![\w$])(attributes)(\.)(` + name + `)`, Captures: map[string]capture{
				"1": {"variable.language.field.zeta"}, "2": {"punctuation.accessor.zeta"}, "3": {"variable.other.property.zeta"},
			}},
			{Name: "support.class.listener.zeta", Match: words(kinds)},
			{Name: "keyword.operator.word.zeta", Match: words([]string{"and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith"})},
			{Name: "constant.language.zeta", Match: words([]string{"true", "false", "nil"})},
			{Name: "keyword.control.zeta", Match: words(slices.Clone(statementWords)) + `(?=\s*[(.])`},
			{Name: "keyword.other.setting.zeta", Match: words(names(streams.Settings())) + `(?=\s*\()`},
			{Name: "entity.name.function.sink.zeta", Match: words(names(streams.Sinks()))},
			{Name: "support.function.operator.zeta", Match: words(names(streams.Operators()))},
			{Name: "support.function.expression.zeta", Match: words(functions) + `(?=\s*\()`},
			{Name: "support.constant.fold.zeta", Match: words(folds)},
			{Name: "variable.language.field.zeta", Match: words(append(slices.Clone(eventFields), "event", "acc"))},
			{Name: "constant.numeric.zeta", Match: `(?<![\w$])(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?)`},
			{Name: "keyword.operator.zeta", Match: `\?\?|\?\.|\.\.|\*\*|&&|\|\||[=!<>]=|[-+*/%^<>!?:|]`},
			{Name: "punctuation.terminator.zeta", Match: `;`},
		},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(g); err != nil {
		panic(err) // strings only
	}
	return b.Bytes()
}
