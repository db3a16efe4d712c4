package streams

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/file"
)

// Definition is where a file gives a name.
type Definition struct {
	Name   string
	Kind   string   // "let" or "def"
	Params []string // of a def
	Text   string   // the statement
	Start  int      // of the name, as a byte index into the file
}

// defHead is the head of a template: def(name(parameters).
var defHead = regexp.MustCompile(`^def\s*\(\s*([A-Za-z_$][\w$]*)\s*\(([^()]*)\)`)

// Outline returns the names that a file of rules gives, in their order. It makes do with files that are being
// written: a statement with mistakes gives its name, too.
func Outline(text string) []Definition {
	if len(text) > MaxFileBytes {
		return nil
	}
	var all []Definition
	bytes := byteIndex(text)
	f := (&sources{}).add("", text)
	for _, s := range scan(f, func(file.Location, string, string, string) {}) {
		d := Definition{Text: s.text}
		if name, _, isLet := cutLet(s.text); isLet {
			d.Kind, d.Name, d.Start = "let", name, strings.Index(s.text[3:], name)+3
		} else if m := defHead.FindStringSubmatchIndex(s.text); m != nil {
			d.Kind, d.Name, d.Start = "def", s.text[m[2]:m[3]], m[2]
			for _, p := range strings.Split(s.text[m[4]:m[5]], ",") {
				if p = strings.TrimSpace(p); p != "" {
					d.Params = append(d.Params, p)
				}
			}
		}
		if d.Kind != "" {
			d.Start += bytes[s.start]
			all = append(all, d)
		}
	}
	return all
}
