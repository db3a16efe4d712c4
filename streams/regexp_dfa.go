package streams

import (
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// matcher decides whether a pattern is found anywhere in a string.
type matcher func(s string) bool

// newMatcher returns the fastest matcher for a compiled pattern: a plain search for a literal, an automaton
// over bytes where it stays small, else the regexp itself. All give the same answers.
func newMatcher(re *regexp.Regexp) matcher {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return re.MatchString
	}
	parsed = parsed.Simplify()
	// U+FFFD also matches bytes that are no UTF-8, which a plain search does not find.
	if parsed.Op == syntax.OpLiteral && parsed.Flags&syntax.FoldCase == 0 && !slices.Contains(parsed.Rune, utf8.RuneError) {
		literal := string(parsed.Rune)
		return func(s string) bool { return strings.Contains(s, literal) }
	}
	if d := newAutomaton(re, parsed); d != nil {
		return d.match
	}
	return re.MatchString
}

// automaton is a deterministic automaton over ASCII bytes, built whole when the rules are loaded: one table
// look-up per byte, nothing to allocate or to lock. A string with other bytes is left to the regexp.
type automaton struct {
	next  []uint8 // state<<7 | byte: the next state, accept or reject
	atEnd []bool  // by state: accepted if the string ends there
	start uint8
	re    *regexp.Regexp
}

// Outcomes beside the states.
const (
	accept      = 255
	reject      = 254
	maxStates   = 254
	maxProgSize = 1000 // instructions: bounds the time to build
)

func (d *automaton) match(s string) bool {
	state := d.start
	if state >= reject {
		return state == accept
	}
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= 0x80 {
			return d.re.MatchString(s)
		}
		state = d.next[int(state)<<7|int(b)]
		if state >= reject {
			return state == accept
		}
	}
	return d.atEnd[state]
}

// newAutomaton returns nil if the pattern asks for line or word boundaries or has too many states.
func newAutomaton(re *regexp.Regexp, parsed *syntax.Regexp) *automaton {
	prog, err := syntax.Compile(parsed)
	if err != nil || len(prog.Inst) > maxProgSize {
		return nil
	}
	for _, inst := range prog.Inst {
		if inst.Op == syntax.InstEmptyWidth && syntax.EmptyOp(inst.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return nil
		}
	}
	b := &automatonBuilder{prog: prog, ids: map[string]uint8{}, d: &automaton{re: re}}
	if !b.build() {
		return nil
	}
	return b.d
}

// automatonBuilder makes states of sets of instructions.
type automatonBuilder struct {
	prog *syntax.Prog
	d    *automaton
	ids  map[string]uint8
	sets [][]uint32 // by state: the instructions that wait for a byte or the end
	seen []bool
}

func (b *automatonBuilder) build() bool {
	again := b.closure(nil, uint32(b.prog.Start), false) // a match may also start at any later byte
	first := b.closure(nil, uint32(b.prog.Start), true)
	start, ok := b.state(first)
	if !ok {
		return false
	}
	b.d.start = start
	for s := 0; s < len(b.sets); s++ {
		for c := rune(0); c < 0x80; c++ {
			var set []uint32
			for _, pc := range b.sets[s] {
				if inst := &b.prog.Inst[pc]; waits(inst) && inst.MatchRune(c) {
					set = b.closure(set, inst.Out, false)
				}
			}
			to, ok := b.state(append(set, again...))
			if !ok {
				return false
			}
			b.d.next[s<<7|int(c)] = to
		}
	}
	return true
}

func waits(inst *syntax.Inst) bool {
	switch inst.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}

// closure appends what is reached from pc without taking a byte: instructions that take one, those that
// wait for the end, and the match.
func (b *automatonBuilder) closure(set []uint32, pc uint32, begin bool) []uint32 {
	b.seen = make([]bool, len(b.prog.Inst))
	return b.follow(set, pc, begin, false)
}

func (b *automatonBuilder) follow(set []uint32, pc uint32, begin, end bool) []uint32 {
	if b.seen[pc] {
		return set
	}
	b.seen[pc] = true
	inst := &b.prog.Inst[pc]
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		return b.follow(b.follow(set, inst.Out, begin, end), inst.Arg, begin, end)
	case syntax.InstCapture, syntax.InstNop:
		return b.follow(set, inst.Out, begin, end)
	case syntax.InstEmptyWidth:
		op := syntax.EmptyOp(inst.Arg)
		switch {
		case op&syntax.EmptyBeginText != 0 && !begin:
			return set
		case op&syntax.EmptyEndText != 0 && !end:
			// What follows may still ask for the beginning, so the place is kept only where that holds.
			return append(set, pc)
		}
		return b.follow(set, inst.Out, begin, end)
	case syntax.InstFail:
		return set
	}
	return append(set, pc)
}

// state returns the number of the state for a set, which it takes over; ok is false if there are too many.
func (b *automatonBuilder) state(set []uint32) (id uint8, ok bool) {
	slices.Sort(set)
	set = slices.Compact(set)
	key := make([]byte, 0, 4*len(set))
	for _, pc := range set {
		if b.prog.Inst[pc].Op == syntax.InstMatch {
			return accept, true
		}
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	if len(set) == 0 {
		return reject, true
	}
	// At the very beginning the end may be asked for too, so the first state stands apart.
	first := len(b.sets) == 0
	if !first {
		if id, ok := b.ids[string(key)]; ok {
			return id, true
		}
	}
	if len(b.sets) == maxStates {
		return 0, false
	}
	id = uint8(len(b.sets))
	if !first {
		b.ids[string(key)] = id
	}
	b.sets = append(b.sets, set)
	b.d.next = append(b.d.next, make([]uint8, 128)...)
	b.d.atEnd = append(b.d.atEnd, b.endsIn(set, first))
	return id, true
}

// endsIn reports whether the match is reached where the string ends.
func (b *automatonBuilder) endsIn(set []uint32, first bool) bool {
	b.seen = make([]bool, len(b.prog.Inst))
	var reached []uint32
	for _, pc := range set {
		if b.prog.Inst[pc].Op == syntax.InstEmptyWidth {
			reached = b.follow(reached, pc, first, true)
		}
	}
	for _, pc := range reached {
		if b.prog.Inst[pc].Op == syntax.InstMatch {
			return true
		}
	}
	return false
}
