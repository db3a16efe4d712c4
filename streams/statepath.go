package streams

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"
)

// statePath is the identity of a place in the rules, by which state finds its way across a reload: the stateful
// operators above it with their arguments, from the nearest let, use of a template or id. Conditions and
// other stateless operators do not count, so that editing a threshold keeps the state below it.
//
//	by(host)/changed(state, init="ok")/rollup(3, 1h0m0s)#2
type statePath struct {
	text  string // within the scope: the root's or a fork's
	outer string // the paths of the forks around it; for people and for alert ids
	taken map[string]int
}

func newPath() *statePath { return &statePath{taken: map[string]int{}} }

// full is the path from the root.
func (p *statePath) full() string { return p.outer + p.text }

// root begins a new path within the same scope, at a name that the user has given.
func (p *statePath) root(name string) *statePath {
	return &statePath{text: p.number(name), outer: p.outer, taken: p.taken}
}

// below is the path of what is below place; for a stateful place or a sink it is the place's own.
func (p *statePath) below(place *node, args string) *statePath {
	if !place.stateful {
		return p
	}
	text := place.name + "(" + args + ")"
	if p.text != "" {
		text = p.text + "/" + text
	}
	return &statePath{text: p.number(text), outer: p.outer, taken: p.taken}
}

// number tells equal siblings apart.
func (p *statePath) number(text string) string {
	p.taken[text]++
	if n := p.taken[text]; n > 1 {
		return p.number(fmt.Sprintf("%s#%d", text, n))
	}
	return text
}

// fork begins the paths inside the forks of p's place: each fork has a scope of its own.
func (p *statePath) fork() *statePath {
	return &statePath{outer: p.full() + "/", taken: map[string]int{}}
}

// argumentText prints decoded arguments, as they count for the identity: "1h" and 3600 are equal, and
// secrets are left out.
func (c *compiler) argumentText(place *node) string {
	return argumentText(place.entry.fields, place.opts)
}

func argumentText(fields []optionField, opts reflect.Value) string {
	var parts []string
	for i := range fields {
		f := &fields[i]
		v := f.in(opts)
		if f.secret || f.isBranch() && f.typ != typeCases || v.IsZero() {
			continue
		}
		text := valueText(f, v)
		if f.place == placeOption {
			text = f.name + "=" + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func valueText(f *optionField, v reflect.Value) string {
	if f.nested != nil {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		return "{" + argumentText(f.nested, v) + "}"
	}
	switch x := v.Interface().(type) {
	case Expr:
		return x.Text
	case Cond:
		return x.Text
	case Mapper:
		return x.Text
	case Patch:
		return x.Text
	case Pattern:
		return x.Text
	case Fold:
		return x.Name
	case FieldName:
		return x.String()
	case Datum:
		return x.Text()
	case []Cond:
		return list(x, func(c Cond) string { return c.Text })
	case Keys:
		return list(x, func(k Expr) string { return k.Text })
	case []Case:
		return list(x, func(c Case) string { return c.Cond.Text + c.At.Text })
	case Table:
		return plural(len(x.rows), "row")
	case string:
		return fmt.Sprintf("%q", x)
	}
	return fmt.Sprintf("%v", v.Interface()) // maps are printed in the order of their keys
}

func list[T any](xs []T, text func(T) string) string {
	parts := make([]string, len(xs))
	for i, x := range xs {
		parts[i] = text(x)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// hash64 is a stable hash of texts.
func hash64(texts ...string) uint64 {
	h := fnv.New64a()
	for _, t := range texts {
		h.Write([]byte(t))
		h.Write([]byte{0})
	}
	return h.Sum64()
}
