package query

import "strings"

// wildcard is a compiled =~ pattern: head, then the middle parts in order, then tail, with any run of
// characters of one line between them. Without a % only head is used.
type wildcard struct {
	head, tail string
	middle     []string
	plain      bool // no %
}

func newWildcard(pattern string) *wildcard {
	parts := strings.Split(pattern, "%")
	w := &wildcard{head: parts[0], plain: len(parts) == 1}
	if w.plain {
		return w
	}
	w.tail = parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		if p != "" {
			w.middle = append(w.middle, p)
		}
	}
	return w
}

// match reports whether s fits the pattern. Riemann makes it the Java expression ^…$, so that one line
// end after the text does no harm.
func (w *wildcard) match(s string) bool {
	if w.exact(s) {
		return true
	}
	if s == "" || strings.IndexByte(lineEndBytes, s[len(s)-1]) < 0 {
		return false
	}
	short := trimLineEnd(s)
	return len(short) < len(s) && w.exact(short)
}

func (w *wildcard) exact(s string) bool {
	if !strings.HasPrefix(s, w.head) {
		return false
	}
	s = s[len(w.head):]
	if w.plain {
		return s == ""
	}
	if !strings.HasSuffix(s, w.tail) {
		return false
	}
	s = s[:len(s)-len(w.tail)]
	// The first place of each part is the best one: a later place has a longer gap before it, and that
	// gap must not hold a line end either.
	for _, part := range w.middle {
		i := strings.Index(s, part)
		if i < 0 || hasLineEnd(s[:i]) {
			return false
		}
		s = s[i+len(part):]
	}
	return !hasLineEnd(s)
}

// hasLineEnd reports whether s holds one of the characters a % does not cross.
func hasLineEnd(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\n', '\r':
			return true
		case 0xc2, 0xe2: // first byte of U+0085, U+2028, U+2029
			return strings.ContainsAny(s[i:], "\n\r\u0085\u2028\u2029")
		}
	}
	return false
}

// lineEndBytes are the last bytes of the line ends.
const lineEndBytes = "\n\r\x85\xa8\xa9"

// trimLineEnd removes one line end from the end of s.
func trimLineEnd(s string) string {
	for _, end := range [...]string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if strings.HasSuffix(s, end) {
			return s[:len(s)-len(end)]
		}
	}
	return s
}
