package query

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"zeta/event"
)

// samples are events of all sorts: whatever the query, two forms of it must agree on them.
func samples() []event.Event {
	events := make([]event.Event, 8)
	for i := range events {
		e := &events[i]
		if i&1 != 0 {
			e.SetHost("a")
			e.SetState("foo")
			e.SetInt(int64(i))
		}
		if i&2 != 0 {
			e.SetService("s b")
			e.SetTime(int64(i) * 500_000)
			e.SetFloat(float64(i) / 2)
		}
		if i&4 != 0 {
			e.SetDescription("line\nend\n")
			e.SetTTL(60)
			e.Set = event.NewSet([]string{"cat", ""}, []event.Attr{{Key: "build", Value: "7543"}})
		}
	}
	return events
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile("testdata/query.json")
	if err != nil {
		f.Fatal(err)
	}
	var corpus struct{ Cases []struct{ Query string } }
	if err := json.Unmarshal(raw, &corpus); err != nil {
		f.Fatal(err)
	}
	for _, c := range corpus.Cases {
		f.Add(c.Query)
	}
	f.Add(`x ~= "((a{10}){10}){9}" or x =~ "%\u00e9%\101%"`)
	f.Add(`-1.5e-3 != -Infinity and 99999999999999999999N > -NaN or a:b.c = -1x`)
	events := samples()
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		q, err := Parse(text)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("Parse(%q) took %v", text, took)
		}
		if err != nil {
			e := err.(*Error)
			if e.Offset < 0 || e.Offset > len(text) || e.Error() == "" || e.Short() == "" {
				t.Errorf("Parse(%q): offset %d of %d, %v", text, e.Offset, len(text), err)
			}
			return
		}
		if len(q.String()) > MaxLength {
			return // escapes can make the canonical text longer than what may be parsed
		}
		again, err := Parse(q.String())
		if err != nil {
			t.Fatalf("%q prints as %q, which is refused: %v", text, q, err)
		}
		if again.String() != q.String() {
			t.Fatalf("%q prints as %q, which prints as %q", text, q, again)
		}
		p := q.Plan()
		for i := range events {
			e := &events[i]
			want := q.Match(e)
			if again.Match(e) != want {
				t.Fatalf("%q and %q differ on %+v", text, q, *e)
			}
			if got := (p.Host == nil || p.Host(e)) && (p.Service == nil || p.Service(e)) && (p.Rest == nil || p.Rest(e)); got != want {
				t.Fatalf("the plan of %q says %v of %+v, the query %v", q, got, *e, want)
			}
			if want && p.Hosts != nil && !holds(p.Hosts, e) {
				t.Fatalf("%q matches %+v, but its hosts are %v", q, *e, p.Hosts)
			}
		}
	})
}

func holds(hosts []Key, e *event.Event) bool {
	for _, k := range hosts {
		if k == (Key{e.Host, e.Has&event.HasHost == 0}) {
			return true
		}
	}
	return false
}
