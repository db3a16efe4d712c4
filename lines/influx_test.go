package lines

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestInflux(t *testing.T) {
	testFile(t, "influx", (&Influx{}).Parse)
	testFile(t, "influx_seconds", (&Influx{Precision: 1e9}).Parse)
}

// TestInfluxColumn holds that an error says where in the line it is.
func TestInfluxColumn(t *testing.T) {
	for in, want := range map[string]int{
		"m": 2, "  m\r\n": 4, "": 0, ",k=v value=1": 1, "  ,k=v value=1": 3, "m,k value=1": 3, "m,a=b,k= value=1": 7,
		"m value=x": 3, "m a=1,b=x": 7, `m a="b c",d`: 11, "m a=1 soon": 7, "m a=1  soon": 8,
	} {
		got := 0
		if _, err := (&Influx{}).Parse(nil, []byte("before" + in)[6:], ""); err != nil {
			got = err.(*Error).Column
		}
		if got != want {
			t.Errorf("%q: column %d, want %d", in, got, want)
		}
	}
}

func TestNextInflux(t *testing.T) {
	for in, want := range map[string][]string{
		"":                              nil,
		"a v=1\nb v=2\n":                {"a v=1", "b v=2"},
		"a v=\"x\ny\" 1\nb v=2":         {"a v=\"x\ny\" 1", "b v=2"},
		"a v=\"x\\\"\ny\" 1\nb v=2":     {"a v=\"x\\\"\ny\" 1", "b v=2"},
		"a\"q v=1\nb v=2":               {"a\"q v=1", "b v=2"}, // no quote before the fields
		" a\"q v=1\nb v=2":              {" a\"q v=1", "b v=2"},
		"a v=\"open\nb v=2\nc v=3":      {"a v=\"open", "b v=2", "c v=3"},
		"# it's \"open\nb v=2":          {"# it's \"open", "b v=2"},
		"a v=1\\\nb v=2":                {"a v=1\\", "b v=2"},
		"a\\ b v=1\nc v=2":              {"a\\ b v=1", "c v=2"},
		"a v=\"C:\\\\\" 1\nb v=\"x\"\n": {"a v=\"C:\\\\\" 1", "b v=\"x\""},
		"\n\n":                          {"", ""},
	} {
		var got []string
		for rest := []byte(in); len(rest) > 0; {
			var line []byte
			line, rest = NextInflux(rest)
			got = append(got, string(line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzNextInflux holds that lines and newlines are all of a body, and that none is read twice.
func FuzzNextInflux(f *testing.F) {
	f.Add([]byte("a v=\"x\ny\" 1\nb v=2\nc v=\"open\nd v=1"))
	recorded, err := os.ReadFile("../server/testdata/influx/telegraf.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(recorded)
	f.Fuzz(func(t *testing.T, body []byte) {
		var got [][]byte
		for rest := body; len(rest) > 0; {
			var line []byte
			before := len(rest)
			if line, rest = NextInflux(rest); len(line)+len(rest) < before-1 || len(rest) >= before {
				t.Fatalf("%q: %q and %q", body, line, rest)
			}
			got = append(got, line)
		}
		if want := strings.TrimSuffix(string(body), "\n"); string(bytes.Join(got, []byte("\n"))) != want {
			t.Fatalf("%q is cut into %q", body, got)
		}
	})
}

func FuzzInflux(f *testing.F) {
	recorded(f, "influx")
	recorded(f, "influx-telegraf")
	seeds(f, "influx")
	f.Fuzz(func(t *testing.T, line []byte) {
		fuzzed(t, line, (&Influx{}).Parse)
		fuzzed(t, line, (&Influx{Precision: 1e9}).Parse)
		if _, err := (&Influx{}).Parse(nil, line, ""); err != nil && (err.(*Error).Column < 1 || err.(*Error).Column > len(line)+1) {
			t.Fatalf("column %d of %d bytes", err.(*Error).Column, len(line))
		}
	})
}
