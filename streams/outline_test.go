package streams

import (
	"fmt"
	"strings"
	"testing"
)

// TestOutline finds names, also those of statements with mistakes.
func TestOutline(t *testing.T) {
	text := "// ä let no = 1;\nlet ops = slack({});\n  def ( tell ( channel , n ), where(x\n); let half =; letter; def(); def(f(), index); let\ttab\n= 5;"
	var got []string
	for _, d := range Outline(text) {
		if !strings.HasPrefix(text[d.Start:], d.Name) {
			t.Errorf("%s is not at %d", d.Name, d.Start)
		}
		got = append(got, fmt.Sprintf("%s %s%v", d.Kind, d.Name, d.Params))
	}
	want := "let ops[]; def tell[channel n]; let half[]; def f[]; let tab[]"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
