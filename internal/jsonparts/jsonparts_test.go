package jsonparts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// show takes a text apart, items and members of items and members too.
func show(text []byte) (string, error) {
	var out []string
	var err error
	switch text = blank(text); {
	case len(text) > 0 && text[0] == '[':
		err = Items(text, func(i int, part []byte) error {
			s, err := show(part)
			out = append(out, fmt.Sprintf("%d=%s", i, s))
			return err
		})
	case len(text) > 0 && text[0] == '{':
		err = Members(text, func(key string, part []byte) error {
			s, err := show(part)
			out = append(out, key+"="+s)
			return err
		})
	default:
		return string(text), nil
	}
	return "(" + strings.Join(out, " ") + ")", err
}

func TestParts(t *testing.T) {
	for in, want := range map[string]string{
		`[]`:                                `()`,
		` [ 1 , "a,]" , null,true ] `:       `(0=1 1="a,]" 2=null 3=true)`,
		`{"a\"b":{"c":[1,{}]} , "d" : "}"}`: `(a"b=(c=(0=1 1=())) d="}")`,
		`[[[-1.5e3]]]`:                      `(0=(0=(0=-1.5e3)))`,
		`{"a":"\\"}`:                        `(a="\\")`,
	} {
		if got, err := show([]byte(in)); got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", in, got, err, want)
		}
	}
	nothing := func(int, []byte) error { t.Error("called"); return nil }
	if err := Items([]byte(" null"), nothing); err != nil {
		t.Errorf("null: %v", err)
	}
	if err := Items([]byte(`{"a":1}`), nothing); err == nil || err.Error() != `found "{\"a\":1}", want an array` {
		t.Errorf("an object: %v", err)
	}
}

// FuzzParts holds that the parts of a valid text are valid and, put together again, the text.
func FuzzParts(f *testing.F) {
	for _, seed := range []string{`[1,"a",{"b":null}]`, `{"a":[{}],"\u0041":""}`, `[`, `{"a"`, `]`, `[1 2]`, `{"a" 1}`, `"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var again func(part []byte) []byte
		again = func(part []byte) []byte {
			var out []byte
			items := Items(part, func(i int, p []byte) error {
				if out = append(out, "[,"[min(i, 1)]); json.Valid(b) && !json.Valid(p) {
					t.Fatalf("%q has the part %q", part, p)
				}
				out = append(out, again(p)...)
				return nil
			})
			if first := blank(part); items == nil && len(first) > 0 && first[0] == '[' {
				if len(out) == 0 {
					out = append(out, '[')
				}
				return append(out, ']')
			}
			out = out[:0]
			members := Members(part, func(key string, p []byte) error {
				quoted, _ := json.Marshal(key)
				out = append(append(append(out, "{,"[min(len(out), 1)]), quoted...), ':')
				out = append(out, again(p)...)
				return nil
			})
			if first := blank(part); members == nil && len(first) > 0 && first[0] == '{' {
				if len(out) == 0 {
					out = append(out, '{')
				}
				return append(out, '}')
			}
			return part
		}
		got := again(b)
		if !json.Valid(b) {
			return
		}
		var one, two any
		json.Unmarshal(b, &one)
		json.Unmarshal(got, &two)
		x, _ := json.Marshal(one)
		y, _ := json.Marshal(two)
		if !bytes.Equal(x, y) {
			t.Fatalf("%q taken apart and put together is %q", b, got)
		}
	})
}
