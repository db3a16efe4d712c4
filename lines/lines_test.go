package lines

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"zeta/event"
)

var update = flag.Bool("update", false, "write what the parsers give into testdata")

type parseFunc func(dst []event.Event, line []byte, host string) ([]event.Event, error)

// testFile holds a parser against a file of testdata: a line that begins with "> " is input, with Go's escapes;
// below it are the events that must come of it, as JSON without the keys that are missing, and the reason and
// text of the error. Lines that begin with # are for the reader.
func testFile(t *testing.T, name string, parse parseFunc) {
	t.Helper()
	file := "testdata/" + name + ".txt"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	cases := 0
	for s := range strings.Lines(string(b)) {
		s = strings.TrimSuffix(s, "\n")
		in, ok := strings.CutPrefix(s, "> ")
		if !ok {
			if s == "" || s[0] == '#' {
				out = append(out, s)
			}
			continue
		}
		cases++
		unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(in, `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%s: %s: %v", file, in, err)
		}
		line := []byte(unquoted)
		events, err := parse(nil, line, "")
		for i := range line {
			line[i] = '!' // events must not refer to it
		}
		out = append(out, s)
		for i := range events {
			out = append(out, show(&events[i]))
		}
		if err != nil {
			out = append(out, err.(*Error).Reason+": "+err.Error())
		}
	}
	got := strings.Join(out, "\n") + "\n"
	if cases == 0 {
		t.Fatalf("%s has no cases", file)
	}
	if got == string(b) {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, want := strings.Split(got, "\n"), strings.Split(string(b), "\n")
	for i := range have {
		if i >= len(want) || have[i] != want[i] {
			t.Fatalf("%s:%d\n got %s\nwant %s", file, i+1, have[i], strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
		}
	}
	t.Fatalf("%s: more is wanted than came, from line %d on", file, len(have))
}

var absent = strings.NewReplacer(`"host":null,`, "", `,"state":null`, "", `,"description":null`, "", `,"metric":null`, "", `,"tags":null`, "", `,"time":null`, "", `,"ttl":null`, "")

func show(e *event.Event) string { return absent.Replace(string(event.AppendJSON(nil, e))) }

// seeds are the inputs of a file of testdata.
func seeds(f *testing.F, name string) {
	b, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		f.Fatal(err)
	}
	for s := range strings.Lines(string(b)) {
		if in, ok := strings.CutPrefix(strings.TrimSuffix(s, "\n"), "> "); ok {
			if line, err := strconv.Unquote(`"` + strings.ReplaceAll(in, `"`, `\"`) + `"`); err == nil {
				f.Add([]byte(line))
			}
		}
	}
}

// recorded adds the lines and datagrams that real programs have sent to a door.
func recorded(f *testing.F, door string) {
	b, err := os.ReadFile("../server/testdata/doors/" + door + ".txt")
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for s := range strings.Lines(string(b)) {
		in, ok := strings.CutPrefix(strings.TrimSuffix(s, "\n"), "> ")
		if !ok || !strings.HasPrefix(in, `"`) {
			continue
		}
		piece, err := strconv.Unquote(in)
		if err != nil {
			f.Fatalf("%s: %s: %v", door, in, err)
		}
		for line := range strings.Lines(piece) {
			f.Add([]byte(strings.TrimRight(line, "\r\n")))
			n++
		}
	}
	if n == 0 {
		f.Fatalf("%s holds nothing that was sent", door)
	}
}

// fuzzed holds what is true of every line: no panic, bounded output, an error that is an *Error, and events with
// a service and valid text.
func fuzzed(t *testing.T, line []byte, parse parseFunc) {
	events, err := parse(nil, line, "h")
	if err != nil {
		if _, ok := err.(*Error); !ok {
			t.Fatalf("error of type %T: %v", err, err)
		}
	}
	if len(events) > len(line)+1 {
		t.Fatalf("%d events of %d bytes", len(events), len(line))
	}
	size := 0
	for i := range events {
		e := &events[i]
		if !e.Is(event.HasService) || !e.Is(event.HasHost) {
			t.Fatalf("an event without a service or host: %s", show(e))
		}
		for _, s := range []string{e.Host, e.Service, e.State, e.Description} {
			if s != strings.ToValidUTF8(s, "") {
				t.Fatalf("text that is not UTF-8: %q", s)
			}
			size += len(s)
		}
	}
	if size > 16*(len(line)+100)*(len(events)+1) {
		t.Fatalf("%d bytes of text of %d bytes", size, len(line))
	}
}
