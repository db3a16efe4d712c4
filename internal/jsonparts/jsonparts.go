// Package jsonparts takes JSON text apart without decoding it, so that a long text can be read piece by piece, with
// no more in memory than the piece.
//
// Vocabulary: a part is the text of one value, as a piece of the text it stands in.
//
//	if json.Valid(text) {
//		err := jsonparts.Items(text, func(i int, part []byte) error { return json.Unmarshal(part, &v) })
//	}
//
// Guarantees:
//   - Nothing is allocated but keys, and no text is copied.
//   - What is no valid JSON gives an error or wrong parts, never a panic.
package jsonparts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Items calls f for each item of an array, with its place from 0; null has none. It ends with the first error of f.
func Items(text []byte, f func(i int, part []byte) error) error {
	rest, ok, err := inside(text, '[', "an array")
	if !ok {
		return err
	}
	for i := 0; ; i++ {
		rest = blank(rest)
		if len(rest) == 0 || rest[0] == ']' {
			return closed(rest)
		}
		n := length(rest)
		if n == 0 {
			return errBroken
		}
		if err := f(i, rest[:n]); err != nil {
			return err
		}
		if rest = blank(rest[n:]); len(rest) > 0 && rest[0] == ',' {
			rest = rest[1:]
		}
	}
}

// Members calls f for each member of an object; null has none. It ends with the first error of f.
func Members(text []byte, f func(key string, part []byte) error) error {
	rest, ok, err := inside(text, '{', "an object")
	if !ok {
		return err
	}
	for {
		rest = blank(rest)
		if len(rest) == 0 || rest[0] == '}' {
			return closed(rest)
		}
		n := length(rest)
		key, err := unquote(rest[:n])
		if err != nil {
			return err
		}
		if rest = blank(rest[n:]); len(rest) == 0 || rest[0] != ':' {
			return errBroken
		}
		rest = blank(rest[1:])
		if n = length(rest); n == 0 {
			return errBroken
		}
		if err := f(key, rest[:n]); err != nil {
			return err
		}
		if rest = blank(rest[n:]); len(rest) > 0 && rest[0] == ',' {
			rest = rest[1:]
		}
	}
}

var errBroken = errors.New("no valid JSON")

// inside returns what is behind the opening bracket of text; ok is false for null.
func inside(text []byte, open byte, want string) (rest []byte, ok bool, err error) {
	text = blank(text)
	switch {
	case len(text) > 0 && text[0] == open:
		return text[1:], true, nil
	case bytes.HasPrefix(text, []byte("null")):
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("found %.20q, want %s", text, want)
}

func closed(rest []byte) error {
	if len(rest) == 0 {
		return errBroken
	}
	return nil
}

func blank(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// length returns how long the value is that b begins with.
func length(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if i += quoted(b[i:]) - 1; depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1 + depth // a bracket that nothing has opened is no part of a value
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// quoted returns the length of the text in quotes that b begins with.
func quoted(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// unquote returns a key.
func unquote(part []byte) (string, error) {
	n := len(part)
	if n < 2 || part[0] != '"' || part[n-1] != '"' {
		return "", errBroken
	}
	if bytes.IndexByte(part, '\\') < 0 {
		return string(part[1 : n-1]), nil
	}
	var key string
	err := json.Unmarshal(part, &key)
	return key, err
}
