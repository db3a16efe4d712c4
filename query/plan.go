package query

import "zeta/event"

// Key is a host or service as a query names it: a string, or missing.
type Key struct {
	Name    string
	Missing bool
}

// Plan says how a search can avoid looking at every event: a query is the conjunction of Host, Service
// and Rest.
type Plan struct {
	Hosts   []Key                     // if not nil, only events of these hosts can match
	Host    func(e *event.Event) bool // reads the host only; nil: true
	Service func(e *event.Event) bool // reads the service only; nil: true
	Rest    func(e *event.Event) bool // reads Fields and, if Set, tags and attributes; nil: true
	Fields  event.Presence
	Set     bool
}

// Plan analyses the query.
func (q *Query) Plan() Plan {
	p := Plan{}
	if hosts, ok := hostsOf(q.root); ok {
		p.Hosts = hosts
	}
	var host, service, rest []node
	for _, n := range conjuncts(q.root) {
		fields, set := fieldsOf(n)
		switch {
		case !set && fields == event.HasHost:
			host = append(host, n)
		case !set && fields == event.HasService:
			service = append(service, n)
		default:
			rest = append(rest, n)
			p.Fields |= fields
			p.Set = p.Set || set
		}
	}
	p.Host, p.Service, p.Rest = conjunction(host), conjunction(service), conjunction(rest)
	return p
}

func conjunction(ns []node) func(e *event.Event) bool {
	if ns == nil {
		return nil
	}
	return compile(joinOf(false, ns))
}

// HostService returns the one host and service a query of exactly the form host = "…" and service = "…"
// (either order, nothing else) asks for.
func (q *Query) HostService() (host, service string, ok bool) {
	j, isJoin := q.root.(*join)
	if !isJoin || j.or || len(j.kids) != 2 {
		return "", "", false
	}
	var got [2]bool
	for _, k := range j.kids {
		f, s, ok := equalsString(k)
		if !ok || f > fieldService || got[f] {
			return "", "", false
		}
		got[f] = true
		if f == fieldHost {
			host = s
		} else {
			service = s
		}
	}
	return host, service, true
}

func conjuncts(n node) []node {
	if j, ok := n.(*join); ok && !j.or {
		return j.kids
	}
	return []node{n}
}

// fieldsOf returns the fields n reads, and whether it reads tags or attributes.
func fieldsOf(n node) (fields event.Presence, set bool) {
	walkTerms(n, func(t term) {
		switch {
		case t.kind != kindField:
		case t.field == fieldTags || t.field == fieldAttr:
			set = true
		default:
			fields |= presence[t.field]
		}
	})
	return fields, set
}

// hostsOf returns the hosts to which n restricts an event, if it does.
func hostsOf(n node) ([]Key, bool) {
	if k, ok := equalsHost(n); ok {
		return []Key{k}, true
	}
	j, ok := n.(*join)
	if !ok {
		return nil, false
	}
	if !j.or { // any conjunct that restricts will do
		for _, k := range j.kids {
			if hosts, ok := hostsOf(k); ok {
				return hosts, true
			}
		}
		return nil, false
	}
	seen := map[Key]bool{}
	var all []Key
	for _, k := range j.kids { // every alternative must restrict
		hosts, ok := hostsOf(k)
		if !ok {
			return nil, false
		}
		for _, h := range hosts {
			if !seen[h] {
				seen[h] = true
				all = append(all, h)
			}
		}
	}
	return all, true
}

func equalsHost(n node) (Key, bool) {
	if f, s, ok := equalsString(n); ok && f == fieldHost {
		return Key{Name: s}, true
	}
	if c, ok := n.(*compare); ok && c.op == opEq {
		l, r := c.left, c.right
		if l.kind != kindField {
			l, r = r, l
		}
		if l.kind == kindField && l.field == fieldHost && r.kind == kindNil {
			return Key{Missing: true}, true
		}
	}
	return Key{}, false
}

// equalsString reports whether n is field = "string", either way round.
func equalsString(n node) (f field, s string, ok bool) {
	c, isCompare := n.(*compare)
	if !isCompare || c.op != opEq {
		return 0, "", false
	}
	l, r := c.left, c.right
	if l.kind != kindField {
		l, r = r, l
	}
	if l.kind != kindField || r.kind != kindString {
		return 0, "", false
	}
	return l.field, r.str, true
}
