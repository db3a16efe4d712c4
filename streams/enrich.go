package streams

import "zeta/event"

func init() {
	Register(Spec[EnrichOptions]{
		Name:    "enrich",
		Summary: "Set fields and attributes from a table, by a key.",
		Doc: "The table is a map from keys to rows written in the rule, or a file beside the rules: .csv with a header whose first column is the key, or .json, an object of objects. A column named after a field sets that field, every other one the attribute of its name; tags (in a .csv separated by spaces) are added in front of the event's. " +
			"An empty cell and null set nothing. With keep, what the event has stays, and only what is missing is set. An event whose key is missing or not in the table is passed as it is. The file is read when the rules are loaded.",
		Clock:  "none",
		Bounds: "The table, a file of at most 4 MiB.",
		In:     Events,
		Out:    Events,
		New: func(env *Env, o EnrichOptions, next Stream) (Stream, error) {
			return &enrich{env: env, o: o, next: next, known: make(map[rowSet]*event.Set)}, nil
		},
		Examples: []Example{{
			Title: "who to call",
			Rule:  `enrich(host, {"web1": {owner: "ops", tags: ["prod"]}, "db1": {owner: "dba", ttl: 300}}, out)`,
			Test: `at(0, event({host: "web1", tags: ["x"]}), event({host: "db1", attributes: {owner: "me"}}), event({host: "new"})),
expect(out, [{attributes: {owner: "ops"}, tags: ["prod", "x"]}, {attributes: {owner: "dba"}, ttl: 300}, {host: "new", ttl: nil}])`,
		}},
	})
}

// EnrichOptions are the options of enrich.
type EnrichOptions struct {
	Key   Expr  `arg:"1" doc:"the expression whose value is looked up"`
	Table Table `arg:"2" doc:"a map from keys to rows, or the name of a .csv or .json file"`
	Keep  bool  `opt:"keep" doc:"leave what the event has; default false"`
}

// enrich adds a row to events. As retag does, it works out each set once for each row.
type enrich struct {
	env   *Env
	o     EnrichOptions
	next  Stream
	known map[rowSet]*event.Set
	copy  event.Event
}

type rowSet struct {
	row *tableRow
	set *event.Set
}

// Push implements Stream.
func (n *enrich) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	row := n.row(v)
	if row == nil {
		n.next.Push(v)
		return
	}
	n.copy = *e
	for i := range row.cells {
		if c := &row.cells[i]; !n.o.Keep || !hasField(e, c.field) {
			c.field.Set(&n.copy, c.value)
		}
	}
	if len(row.tags) > 0 || len(row.attrs) > 0 {
		set, ok := n.known[rowSet{row, e.Set}]
		if !ok {
			set = n.learn(row, e.Set)
		}
		n.copy.Set = set
	}
	n.next.Push(Value{Event: &n.copy})
}

// row returns the row for the key of v, nil if there is none.
func (n *enrich) row(v Value) *tableRow {
	key := n.o.Key.Eval(v)
	switch key.Kind {
	case Missing:
		return nil
	case String:
		return n.o.Table.rows[key.Str]
	}
	return n.o.Table.rows[key.Text()]
}

// learn works out the set of an event with the set old for a row.
func (n *enrich) learn(row *tableRow, old *event.Set) *event.Set {
	if len(n.known) >= maxKnownSets {
		clear(n.known)
	}
	set := old
	if len(row.tags) > 0 {
		var tags []string
		if old != nil {
			tags = old.Tags
		}
		set = set.WithTags(addTags(row.tags, tags))
	}
	for _, a := range row.attrs {
		if set != nil && n.o.Keep {
			if _, has := set.Attr(a.Key); has {
				continue
			}
		}
		set = set.WithAttr(a.Key, a.Value)
	}
	n.known[rowSet{row, old}] = set
	return set
}
