package query

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// stringLen returns the length of the string literal that starts at start, quotes included.
func stringLen(text string, start int) (int, error) {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1 - start, nil
		}
	}
	return 0, problem(text, start, "a string that does not end", `a closing "`, "")
}

// unquote returns the value of the string literal t: EDN's escapes, as Riemann reads them.
func unquote(text string, t token) (string, error) {
	body := t.text[1 : len(t.text)-1]
	if strings.IndexByte(body, '\\') < 0 {
		return body, nil
	}
	var b strings.Builder
	for i := 0; i < len(body); {
		if body[i] != '\\' {
			b.WriteByte(body[i])
			i++
			continue
		}
		r, n, err := unescape(body[i:])
		if err != "" {
			return "", problem(text, t.pos+1+i, err, "", `the escapes are \t \r \n \\ \" \b \f, \u and four hex digits, and octal \101; double the backslashes of a regular expression`)
		}
		b.WriteRune(r)
		i += n
	}
	return b.String(), nil
}

// unescape reads the escape s starts with; bad says what is wrong with it.
func unescape(s string) (r rune, n int, bad string) {
	switch s[1] {
	case 't':
		return '\t', 2, ""
	case 'r':
		return '\r', 2, ""
	case 'n':
		return '\n', 2, ""
	case 'b':
		return '\b', 2, ""
	case 'f':
		return '\f', 2, ""
	case '\\', '"':
		return rune(s[1]), 2, ""
	case 'u':
		return unescapeUnicode(s)
	}
	if '0' <= s[1] && s[1] <= '7' {
		return unescapeOctal(s)
	}
	c, _ := utf8.DecodeRuneInString(s[1:])
	return 0, 0, fmt.Sprintf("the unknown escape \\%c", c)
}

func unescapeUnicode(s string) (rune, int, string) {
	r, ok := hex4(s)
	if !ok {
		return 0, 0, `\u without four hex digits`
	}
	if !utf16.IsSurrogate(r) {
		return r, 6, ""
	}
	if low, ok := hex4(s[6:]); ok {
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return both, 12, ""
		}
	}
	return 0, 0, "half of a surrogate pair"
}

// hex4 reads \uXXXX at the start of s.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[2:6], 16, 32)
	return rune(v), err == nil
}

// unescapeOctal reads up to three octal digits; fewer only before a delimiter, and at most \377.
func unescapeOctal(s string) (rune, int, string) {
	v, n := rune(0), 1
	for ; n < len(s) && n < 4; n++ {
		if s[n] < '0' || s[n] > '7' {
			if strings.IndexByte(" ,\t\r\n\"();@^`~'#\\%[]{}", s[n]) < 0 {
				return 0, 0, fmt.Sprintf("the octal escape %s with the digit %q", s[:n], s[n])
			}
			break
		}
		v = v*8 + rune(s[n]-'0')
	}
	if v > 0o377 {
		return 0, 0, fmt.Sprintf("the octal escape %s, beyond \\377", s[:n])
	}
	return v, n, ""
}

// quote appends the literal of s.
func quote(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch r {
		case '\\', '"':
			dst = append(dst, '\\', byte(r))
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			if r < ' ' || r == 0x7f {
				dst = fmt.Appendf(dst, `\u%04x`, r)
			} else {
				dst = utf8.AppendRune(dst, r)
			}
		}
	}
	return append(dst, '"')
}
