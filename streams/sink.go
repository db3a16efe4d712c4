package streams

import (
	"fmt"
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// sinkSet holds the sinks of one set of rules.
type sinkSet struct {
	all  []*Sink
	byID map[string]*Sink
}

// sink compiles the call of a sink.
func (c *compiler) sink(n ast.Node, r *registration, args []ast.Node, x context) part {
	place := c.place(n, r)
	if place == nil {
		return nil
	}
	d := decoder{c: c, r: r, call: n, x: x, opts: reflect.New(r.options).Elem()}
	d.opts.Set(r.defaults)
	before := c.errors
	for _, a := range d.arguments(args) {
		if isLiteral(a) {
			d.fault(a, "takes no such value", "the options of a sink are a map", fmt.Sprintf("write %s({…}); `zeta operators %s` lists the options", r.Name, r.Name))
			continue
		}
		d.fault(a, "takes no streams", "nothing can follow a sink", fmt.Sprintf("write sdo(%s({…}), …) to send the input to both", r.Name))
	}
	if c.errors == before {
		d.check()
	}
	place.opts, place.takes, place.gives, place.let = d.opts, x.in, x.in, x.let
	place.stateful = true // a place of its own for the ids of its alerts
	place.path = x.path.below(place, c.argumentText(place))
	sink := c.sinks.add(r, d.opts)
	place.sink = sink.ID
	place.make = func(env *Env) Stream { return &sinkNode{env: env, sink: sink, path: place.path.full()} }
	return place
}

// add returns the sink with these options, the one there is or a new one.
func (s *sinkSet) add(r *registration, opts reflect.Value) *Sink {
	id := fmt.Sprintf("%s-%016x", r.Name, hash64(argumentText(r.fields, opts)))
	for n := 1; ; n++ {
		// Sinks that differ only in a secret are numbered: no hash of a secret leaves this function.
		numbered := id
		if n > 1 {
			numbered = fmt.Sprintf("%s-%d", id, n)
		}
		old := s.byID[numbered]
		if old == nil {
			sink := &Sink{Name: r.Name, ID: numbered, Options: opts.Interface(), Delivery: r.delivery(opts.Interface()), open: r.open}
			if s.byID == nil {
				s.byID = map[string]*Sink{}
			}
			s.byID[numbered] = sink
			s.all = append(s.all, sink)
			return sink
		}
		if reflect.DeepEqual(old.Options, opts.Interface()) {
			return old
		}
	}
}
