package streams

import (
	"cmp"
	"slices"
)

// Plan says what becomes of the state of r's operators if next takes its place, without running either: the
// identities of stateful operators that are in both, only in r, and only in next, in the order of their rules.
// An identity inside by stands for all forks.
func (r *Rules) Plan(next *Rules) Moved {
	old := r.identities()
	var m Moved
	fresh := next.identities()
	for _, path := range fresh.order {
		if old.has[path] {
			m.kept(path)
		} else {
			m.fresh(path)
		}
	}
	for _, path := range old.order {
		if !fresh.has[path] {
			m.lost(path)
		}
	}
	return m
}

// identities are the paths of the operators with state that an instance of the rules can come to have.
type identities struct {
	order []string
	has   map[string]bool
}

func (r *Rules) identities() identities {
	ids := identities{has: map[string]bool{}}
	for _, n := range r.places {
		if n.stateful && n.entry.kind == operatorName && (n.let == nil || n.let.live) && !ids.has[n.path.full()] {
			ids.has[n.path.full()] = true
			ids.order = append(ids.order, n.path.full())
		}
	}
	return ids
}

// liveLets marks the lets that a statement uses, be it through other lets, and returns them as they are written.
func (l *load) liveLets() []*let {
	uses := map[*let][]*let{} // the lets that a let uses; nil stands for what no let does
	for _, x := range l.lets {
		for _, from := range x.from {
			uses[from] = append(uses[from], x)
		}
	}
	live := slices.Clone(uses[nil])
	for i := 0; i < len(live); i++ {
		if live[i].live {
			continue
		}
		live[i].live = true
		live = append(live, uses[live[i]]...)
	}
	slices.SortFunc(live, func(a, b *let) int { return cmp.Compare(a.at.From, b.at.From) })
	return slices.Compact(live)
}
