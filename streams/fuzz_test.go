package streams

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"zeta/event"
)

// FuzzLoad feeds any text to the compiler, and events to what loads. Nothing panics, and what loads can be
// built, saved and loaded.
func FuzzLoad(f *testing.F) {
	archives, _ := filepath.Glob("testdata/problems/*.txtar")
	for _, name := range archives {
		if a, err := txtar.ParseFile(name); err == nil {
			f.Add(string(a.Files[0].Data))
			for _, line := range strings.Split(string(a.Files[0].Data), "\n") {
				f.Add(line)
			}
		}
	}
	for _, docs := range [][]Doc{Operators(), Sinks(), Listeners(), Settings()} {
		for _, d := range docs {
			for _, x := range d.Examples {
				f.Add(x.Rule + "; test(\"x\", " + x.Test + ")")
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, ps := LoadText("zeta.expr", text, LoadOptions{Taps: true, Getenv: noEnv, FS: os.DirFS(t.TempDir())})
		if ps.Err() != nil {
			if rules != nil {
				t.Fatal("rules in spite of problems")
			}
			if s := ps.Error(); !strings.Contains(s, "zeta.expr") {
				t.Fatalf("problems without a file: %s", s)
			}
			return
		}
		rt := &Runtime{Clock: NewClock(0), Testing: true}
		g, err := rules.Build(rt)
		if err != nil {
			t.Fatalf("loads but cannot be built: %v", err)
		}
		e := &event.Event{Host: "h", Service: "s", State: "ok", Has: event.HasHost | event.HasService | event.HasState}
		e.SetFloat(1)
		g.Push(EventValue(e))
		g.Push(EventValue(&event.Event{}))
		g.Advance(1e6)
		var s Saver
		g.Save(&s)
		again, err := rules.Build(&Runtime{Clock: NewClock(1e6), Testing: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Load(NewLoader(s.Bytes())); err != nil {
			t.Fatal(err)
		}
		again.Close()
		g.Close()
		if len(rt.Clock.timers) != 0 {
			t.Fatalf("%d timers are left", len(rt.Clock.timers))
		}
	})
}

// TestBombs loads texts that would grow without bounds: deep, long, and doubling.
func TestBombs(t *testing.T) {
	doubling := func(first, step string, n int) string {
		var b strings.Builder
		b.WriteString(first)
		for i := 1; i < n; i++ {
			b.WriteString(strings.NewReplacer("N", string(rune('a'+i/10))+string(rune('a'+i%10)), "M", string(rune('a'+(i-1)/10))+string(rune('a'+(i-1)%10))).Replace(step))
		}
		return b.String()
	}
	for name, c := range map[string]struct{ text, want string }{
		"parentheses":   {"where(" + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + ", index)", "nested deeper than 512"},
		"brackets":      {strings.Repeat("sdo(", 100_000) + strings.Repeat(")", 100_000), "nested deeper than 512"},
		"long":          {"where(state == \"" + strings.Repeat("a", MaxStatementBytes) + "\", index)", "longer than 65536"},
		"minus":         {"where(" + strings.Repeat("-", 60_000) + "1 > 0, index)", "parts within one another"},
		"not":           {"where(" + strings.Repeat("not ", 15_000) + "true, index)", "parts within one another"},
		"sum":           {"where(1" + strings.Repeat("+1", 30_000) + " > 0, index)", "parts within one another"},
		"comparisons":   {"where(" + strings.Repeat("1 < (", 400) + "1" + strings.Repeat(") < 2", 400) + ", index)", "more than 50000 parts"},
		"lets":          {doubling("let paa = \"a\";", "let pN = pM + pM;", 60) + "where(state == pfj, index)", "is too large"},
		"templates":     {doubling("def(paa(x), index);", "def(pN(x), sdo(pM(x), pM(x)));", 60) + "pfj(1)", "more than 10000 times"},
		"pipes":         {doubling("def(paa(x), index);", "def(pN(x), pipe(_, pM(_), pM(x)));", 60) + "pfj(1)", "10000 times"},
		"long template": {doubling("let paa = tap(\"x\");", "def(qN(x), sdo(x, x));", 2) + doubling("", "", 1) + "qab(" + strings.Repeat("qab(", 14) + "paa" + strings.Repeat(")", 14) + ")", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, ps := LoadText("zeta.expr", c.text, LoadOptions{places: 10_000})
			got := ps.Error()
			if c.want == "" {
				return // it is enough that it ends
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %.300s, want %q in it", got, c.want)
			}
			if len(got) > 100_000 {
				t.Errorf("%d bytes of problems", len(got))
			}
		})
	}
}
