package streams

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/expr-lang/expr/file"
)

// TestDeclarations decodes listeners and settings, which may use names that stand further down.
func TestDeclarations(t *testing.T) {
	rules, ps := LoadText("zeta.expr", `
		listen.tcp("127.0.0.1:5555");
		listen.tcp(":5554", {tls: {cert: dir + "server.pem", key: "key.pem"}, idle: "1h30m"});
		expire({every: minute, keep: []});
		let dir = "/etc/"; let minute = 60`, LoadOptions{})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	want := []Declaration{
		{"tcp", tcpOptions{Address: "127.0.0.1:5555", Idle: time.Minute}, "zeta.expr:2:10"},
		{"tcp", tcpOptions{Address: ":5554", Idle: 90 * time.Minute, TLS: &tlsOptions{"/etc/server.pem", "key.pem"}}, "zeta.expr:3:10"},
	}
	if !reflect.DeepEqual(rules.Listeners, want) {
		t.Errorf("got %+v, want %+v", rules.Listeners, want)
	}
	if got, want := rules.Settings["expire"], (ExpireOptions{time.Minute, []string{}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	rules = mustLoad(t, `index`)
	if got, want := rules.Settings["expire"], (ExpireOptions{10 * time.Second, []string{"tags", "attributes"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("by default %+v, want %+v", got, want)
	}
}

// TestDefaultsStay loads options twice: what one load sets, the next does not see.
func TestDefaultsStay(t *testing.T) {
	mustLoad(t, `listen.tcp(":1", {tls: {cert: "a"}}); listen.tcp(":2", {tls: {key: "b"}})`)
	rules := mustLoad(t, `listen.tcp(":2", {tls: {key: "b"}})`)
	if got := rules.Listeners[0].Options.(tcpOptions).TLS; got.Cert != "" {
		t.Errorf("the certificate of another listener: %+v", got)
	}
}

// TestInclude reads files in the order of their names, relative to the file that includes them.
func TestInclude(t *testing.T) {
	files := fstest.MapFS{
		"etc/zeta.expr":           {Data: []byte(`include("rules.d/*.expr"); let ops = tap("ops"); where(true, last)`)},
		"etc/rules.d/b.expr":      {Data: []byte(`tap("b", ops)`)},
		"etc/rules.d/a.expr":      {Data: []byte(`tap("a", ops); include("more/x.expr")`)},
		"etc/rules.d/more/x.expr": {Data: []byte(`let last = tap("last")`)},
	}
	rules, ps := Load([]string{"etc/zeta.expr"}, LoadOptions{FS: files})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	var names []string
	for _, f := range rules.Files {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "etc/zeta.expr etc/rules.d/a.expr etc/rules.d/more/x.expr etc/rules.d/b.expr"; got != want {
		t.Errorf("read %s, want %s", got, want)
	}
}

// TestLoadFiles says what is wrong with files that cannot be read.
func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		filepath.Join(dir, "none.expr"): ": no such file or directory",
		dir:                             ": is a directory",
	} {
		rules, ps := Load([]string{name}, LoadOptions{})
		if rules != nil || len(ps) != 1 || ps[0].File != name || !strings.HasSuffix(ps[0].Found, want) {
			t.Errorf("%s: %v, want %q", name, ps, want)
		}
	}
}

// TestDurations reads what rules may write.
func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1w2d3h": (9*24 + 3) * time.Hour,
		"250ms": 250 * time.Millisecond, "0s": 0, "1.5d": 36 * time.Hour, "-1s": -time.Second,
		"": -1, "x": -1, "1": -1, "d": -1, "1d2w": -1, "99999w": -1, "-1d": -1, "1d-1s": -1, "NaNd": -1, "9999999999h": -1, "1hx": -1,
	} {
		got, ok := ParseDuration(text)
		if want == -1 {
			if ok {
				t.Errorf("%q is read as %v", text, got)
			}
		} else if !ok || got != want {
			t.Errorf("%q is read as %v, %v, want %v", text, got, ok, want)
		}
	}
}

// TestScan finds statements, comments and their places.
func TestScan(t *testing.T) {
	s := sources{}
	s.add("a", "x\n")
	f := s.add("b", "// one;\nfoo(\"a;b\", 'c\\';', `d;``e;`) /* two; */ ;;\n\tbar // three\n; é == \"é\" // four")
	var problems []string
	got := ""
	for _, st := range scan(f, func(_ file.Location, found, _, _ string) { problems = append(problems, found) }) {
		p := s.position(st.start)
		got += strings.Join([]string{st.text, p.file}, "@")
		for _, c := range st.comments {
			got += " " + c.text
		}
		got += "|"
	}
	want := "foo(\"a;b\", 'c\\';', `d;``e;`)@b // one; /* two; */|bar@b // three|é == \"é\"@b // four|"
	if got != want || problems != nil {
		t.Errorf("got  %s %q\nwant %s", got, problems, want)
	}
}

// TestColumns counts characters, not bytes.
func TestColumns(t *testing.T) {
	_, ps := LoadText("zeta.expr", "\twhere(state == \"größer\" and metrc > 1, index);\r\nindex; sdo(", LoadOptions{})
	want := "zeta.expr:1:30: where: unknown name metrc\n    1 | \twhere(state == \"größer\" and metrc > 1, index);\n      | \t                            ^^^^^\n"
	if got := ps.Error(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if ps[1].Line != 2 || ps[1].Col != 11 {
		t.Errorf("the second is at %d:%d, want 2:11", ps[1].Line, ps[1].Col)
	}
}

// TestLongLine quotes only the part of a long line where the problem is.
func TestLongLine(t *testing.T) {
	_, ps := LoadText("zeta.expr", "where(state == \""+strings.Repeat("a", 5000)+"\" and metrc > 1, index)", LoadOptions{})
	lines := strings.Split(ps[0].Error(), "\n")
	if len(lines[1]) > 200 {
		t.Fatalf("quotes %d bytes", len(lines[1]))
	}
	at := strings.Index(lines[2], "^")
	if got := lines[1][at : at+5]; got != "metrc" {
		t.Errorf("the caret points at %q", got)
	}
}

// TestControlCharacters does not pass on what a terminal would obey.
func TestControlCharacters(t *testing.T) {
	_, problems := LoadText("zeta.expr", "\twhere(state == \"\x1b[2J\x7f\" and metrc > 1, index)", LoadOptions{})
	if got := problems.Error(); strings.ContainsAny(got, "\x1b\x7f") || !strings.Contains(got, "\t"+`where(state == "�[2J�" and metrc`) {
		t.Errorf("got %q", got)
	}
}
