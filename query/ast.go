package query

import (
	"math/big"
	"regexp"
	"slices"
)

// field is what a name reads.
type field uint8

const (
	fieldHost field = iota
	fieldService
	fieldState
	fieldDescription
	fieldMetric
	fieldTags
	fieldTime
	fieldTTL
	fieldAttr // the attribute of that name
)

var fieldNames = [...]string{"host", "service", "state", "description", "metric", "tags", "time", "ttl"}

// fieldOf returns the field a name reads.
func fieldOf(name string) field {
	if i := slices.Index(fieldNames[:], name); i >= 0 {
		return field(i)
	}
	return fieldAttr
}

// kind is the kind of a term, and of a value at run time.
type kind uint8

const (
	kindNil kind = iota
	kindBool
	kindInt
	kindBig // an integer beyond int64
	kindFloat
	kindString
	kindTags  // run time only
	kindField // term only
)

// term is one side of a comparison: a literal or a field.
type term struct {
	kind  kind
	bool  bool
	int   int64
	big   *big.Int
	float float64
	str   string // string literal, or the field's name
	field field
}

// bigFloat returns a big integer as the nearest float64.
func (t *term) bigFloat() float64 {
	f, _ := new(big.Float).SetInt(t.big).Float64()
	return f
}

// op is a comparison.
type op uint8

const (
	opEq op = iota
	opNe
	opLt
	opLe
	opGt
	opGe
)

var opText = [...]string{"=", "!=", "<", "<=", ">", ">="}

// node is a predicate. The nodes are join, not, truth, compare, like, regex and tagged.
type node interface {
	print(dst []byte, tight int) []byte
}

// join is and or or over at least two predicates; no kid is a join of the same kind.
type join struct {
	or   bool
	kids []node
}

type not struct{ of node }

// truth is a bare term.
type truth struct{ of term }

type compare struct {
	op          op
	left, right term
}

type like struct {
	left    term
	pattern string
}

type regex struct {
	left    term
	pattern string
	re      *regexp.Regexp
}

type tagged struct{ tag string }

// joinOf makes a join, flattening kids of the same kind.
func joinOf(or bool, kids []node) node {
	if len(kids) == 1 {
		return kids[0]
	}
	j := &join{or: or}
	for _, k := range kids {
		if inner, ok := k.(*join); ok && inner.or == or {
			j.kids = append(j.kids, inner.kids...)
		} else {
			j.kids = append(j.kids, k)
		}
	}
	return j
}

// walkTerms calls visit for every term and node-only field below n.
func walkTerms(n node, visit func(t term)) {
	switch n := n.(type) {
	case *join:
		for _, k := range n.kids {
			walkTerms(k, visit)
		}
	case *not:
		walkTerms(n.of, visit)
	case *truth:
		visit(n.of)
	case *compare:
		visit(n.left)
		visit(n.right)
	case *like:
		visit(n.left)
	case *regex:
		visit(n.left)
	case *tagged:
		visit(term{kind: kindField, field: fieldTags, str: "tags"})
	}
}
