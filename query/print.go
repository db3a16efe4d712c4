package query

import (
	"math"
	"strconv"
	"strings"
)

// How tightly a predicate binds: a looser one inside a tighter one is put in parentheses.
const (
	looseOr = iota
	looseAnd
	tightNot
)

func (j *join) print(dst []byte, tight int) []byte {
	word, mine := " and ", looseAnd
	if j.or {
		word, mine = " or ", looseOr
	}
	if mine < tight {
		dst = append(dst, '(')
	}
	for i, k := range j.kids {
		if i > 0 {
			dst = append(dst, word...)
		}
		dst = k.print(dst, mine+1)
	}
	if mine < tight {
		dst = append(dst, ')')
	}
	return dst
}

func (n *not) print(dst []byte, tight int) []byte {
	return n.of.print(append(dst, "not "...), tightNot)
}

func (n *truth) print(dst []byte, _ int) []byte { return n.of.print(dst) }

func (n *compare) print(dst []byte, _ int) []byte {
	dst = append(n.left.print(dst), ' ')
	dst = append(append(dst, opText[n.op]...), ' ')
	return n.right.print(dst)
}

func (n *like) print(dst []byte, _ int) []byte {
	return quote(append(n.left.print(dst), " =~ "...), n.pattern)
}

func (n *regex) print(dst []byte, _ int) []byte {
	return quote(append(n.left.print(dst), " ~= "...), n.pattern)
}

func (n *tagged) print(dst []byte, _ int) []byte { return quote(append(dst, "tagged "...), n.tag) }

func (t term) print(dst []byte) []byte {
	switch t.kind {
	case kindBool:
		return strconv.AppendBool(dst, t.bool)
	case kindInt:
		return strconv.AppendInt(dst, t.int, 10)
	case kindBig:
		return append(t.big.Append(dst, 10), 'N')
	case kindFloat:
		return appendFloat(dst, t.float)
	case kindString:
		return quote(dst, t.str)
	case kindField:
		return append(dst, t.str...)
	}
	return append(dst, "nil"...)
}

// appendFloat writes f so that it is read back as the same float: with a point or an exponent, no plus sign.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	s := strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "e+", "e", 1)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return append(dst, s...)
}
