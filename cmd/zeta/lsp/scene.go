package lsp

import "strings"

// bracket is an open bracket around a place.
type bracket struct {
	open byte
	name string   // of what is called: "throttle", "listen.tcp"
	arg  int      // commas since the bracket
	key  string   // in a map: the key whose value stands here; "" where a key is expected
	keys []string // in a map: the keys so far
}

// scene is what stands around a place in a text.
type scene struct {
	brackets []bracket // outermost first
	literal  bool      // inside a string or a comment
	start    bool      // nothing of the statement stands before the place
	before   string    // what stands before a dot in front of the word: "listen" in listen.t
}

// sceneAt reads a text up to where the word at byte index at begins.
func sceneAt(text string, at int) scene {
	_, end, _ := wordAt(text, at)
	s := scene{start: true}
	chain, dotted := "", false // names joined by dots, and whether a dot came last
	for i := 0; i < end; {
		rest := text[i:end]
		c := text[i]
		length := 1
		switch {
		case strings.HasPrefix(rest, "//"):
			length = ending(rest, 2, "\n")
			s.literal = length < 0
		case strings.HasPrefix(rest, "/*"):
			length = ending(rest, 2, "*/")
			s.literal = length < 0
		case c == '"' || c == '\'':
			length = quoted(rest)
			if s.literal = length < 0; !s.literal {
				chain, dotted, s.start = rest[1:max(1, length-1)], false, false
			}
		case c == '`':
			length = ending(rest, 1, "`")
			s.literal = length < 0
			chain, dotted, s.start = "", false, false
		case isWordByte(c):
			word, _, to := wordAt(text, i)
			length = to - i
			if dotted {
				word = chain + "." + word
			}
			chain, dotted, s.start = word, false, false
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		default:
			s.punctuation(c, chain)
			if dotted = c == '.'; !dotted {
				chain = ""
			}
			s.start = c == ';'
		}
		if length < 0 {
			return s
		}
		i += length
	}
	if dotted {
		s.before = chain
	}
	return s
}

// punctuation takes in a bracket or a mark that stands behind chain.
func (s *scene) punctuation(c byte, chain string) {
	top := len(s.brackets) - 1
	switch c {
	case '(', '[', '{':
		b := bracket{open: c}
		if c == '(' {
			b.name = chain
		}
		s.brackets = append(s.brackets, b)
	case ')', ']', '}':
		if top >= 0 {
			s.brackets = s.brackets[:top]
		}
	case ';':
		s.brackets = nil
	case ',':
		if top >= 0 {
			s.brackets[top].arg++
			s.brackets[top].key = ""
		}
	case ':':
		if top >= 0 && s.brackets[top].open == '{' && s.brackets[top].key == "" {
			s.brackets[top].key = chain
			s.brackets[top].keys = append(s.brackets[top].keys, chain)
		}
	}
}

// ending returns where what begins a text ends, -1 if it does not.
func ending(text string, from int, end string) int {
	if i := strings.Index(text[min(from, len(text)):], end); i >= 0 {
		return from + i + len(end)
	}
	return -1
}

// quoted returns the length of the string that begins a text, -1 if it goes on behind it. It ends with its line.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == text[0] || text[i] == '\n':
			return i + 1
		}
	}
	return -1
}

// call returns the innermost call around the place and the keys of the maps that lead from it to the place.
func (s *scene) call() (call bracket, path []string, ok bool) {
	for i := len(s.brackets) - 1; i >= 0; i-- {
		b := s.brackets[i]
		if b.open == '(' {
			return b, path, b.name != ""
		}
		if b.open == '{' && i < len(s.brackets)-1 {
			path = append([]string{b.key}, path...)
		}
	}
	return bracket{}, nil, false
}

// atKey reports whether a key of a map is expected at the place.
func (s *scene) atKey() bool {
	top := len(s.brackets) - 1
	return top >= 0 && s.brackets[top].open == '{' && s.brackets[top].key == ""
}
