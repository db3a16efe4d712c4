package streams

import (
	"strings"
	"testing"
)

// TestUnsetEnv checks rules on a machine that lacks the variables they name: what a sink requires of a value that
// is not known is not asked, of one that is known it is.
func TestUnsetEnv(t *testing.T) {
	getenv := func(key string) (string, bool) { return "", key == "EMPTY" }
	const needs = "paint needs a channel"
	for _, c := range []struct{ name, text, check, serve string }{
		{"directly", `paint({channel: env("WALL")})`, "", "WALL is not set"},
		{"through a let", `let wall = env("WALL"); paint({channel: wall})`, "", "WALL is not set"},
		{"through two", `let wall = spot; let spot = env("WALL"); paint({channel: wall})`, "", "WALL is not set"},
		{"through a template", `def(mural(wall), paint({channel: wall})); mural(env("WALL"))`, "", "WALL is not set"},
		{"as a part", `paint({channel: "" + env("WALL")})`, "", "WALL is not set"},
		{"set, but empty", `paint({channel: env("EMPTY")})`, needs, needs},
		{"elsewhere", `paint({channel: env("WALL")}); paint({channel: ""})`, needs, needs},
		{"in a let that is used elsewhere", `let wall = env("WALL"); paint({channel: wall}); paint({channel: ""})`, needs, needs},
		{"decoded all the same", `paint({channel: env("WALL"), coats: 10})`, "want at most 9", "want at most 9"},
	} {
		for serve, want := range map[bool]string{false: c.check, true: c.serve} {
			_, ps := LoadText("x.expr", c.text, LoadOptions{Getenv: getenv, Serve: serve})
			if got := ps.Error(); want == "" && ps.Err() != nil || !strings.Contains(got, want) {
				t.Errorf("%s, serve %v: want %q, got\n%s", c.name, serve, want, got)
			}
		}
	}
}
