package query

import "zeta/event"

// Query is a parsed and compiled query. It is immutable and may be used concurrently.
type Query struct {
	root  node
	text  string
	match func(e *event.Event) bool
	cost  int
}

func newQuery(root node) *Query {
	return &Query{root: root, text: string(root.print(nil, looseOr)), match: compile(root), cost: costOf(root)}
}

// Match reports whether e fits the query.
func (q *Query) Match(e *event.Event) bool { return q.match(e) }

// String returns the canonical text: it is read back as the same query, and texts that differ in blanks,
// superfluous parentheses or the writing of literals have one canonical text.
func (q *Query) String() string { return q.text }

// Cost is roughly what one Match costs, in units of a plain comparison. A search that must keep to a
// time looks at its clock after so many units rather than after so many events.
func (q *Query) Cost() int { return q.cost }

// regexCost stands for one search of a regular expression, at its usual length.
const regexCost = 256

func costOf(n node) int {
	switch n := n.(type) {
	case *join:
		sum := 1
		for _, k := range n.kids {
			sum += costOf(k)
		}
		return sum
	case *not:
		return costOf(n.of)
	case *regex:
		return regexCost
	}
	return 1
}
