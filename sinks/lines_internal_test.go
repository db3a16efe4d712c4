package sinks

import (
	"math"
	"testing"

	"zeta/event"
	"zeta/lines"
)

func sample() *event.Event {
	var e event.Event
	e.SetHost("web1.example.com")
	e.SetService("http latency 0.95")
	e.SetFloat(0.5)
	e.SetTime(1_700_000_000_123_456)
	return &e
}

func TestGraphitePaths(t *testing.T) {
	for _, c := range []struct {
		host, service, want string
	}{
		{"web1.example.com", "http latency 0.95", "com.example.web1.http.latency.0_95 0.5 1700000000\n"},
		{"", "cpu", "cpu 0.5 1700000000\n"},
		{"web1", "", "web1 0.5 1700000000\n"},
		{"", "", ""},
		{"a..b", "x;rm *\n\x00é\xff", "b.a.x_rm.___é_ 0.5 1700000000\n"},
		{"h", "v1.2", "h.v1_2 0.5 1700000000\n"},
		{"h", "eth0.rx", "h.eth0.rx 0.5 1700000000\n"},
	} {
		e := sample()
		e.Host, e.Service = c.host, c.service
		if got := string((&graphite{}).append(nil, e)); got != c.want {
			t.Errorf("%q %q: %q, want %q", c.host, c.service, got, c.want)
		}
	}
	e := sample()
	e.Set = event.NewSet([]string{"a b", ""}, []event.Attr{{Key: "dc", Value: "par;is"}, {Key: "none", Value: ""}})
	if got, want := string((&graphite{o: GraphiteOptions{Tags: true}}).append(nil, e)), "http.latency.0_95;host=web1.example.com;a_b=true;dc=par_is 0.5 1700000000\n"; got != want {
		t.Errorf("with tags %q, want %q", got, want)
	}
	for _, m := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		e.SetFloat(m)
		if got := (&graphite{}).append(nil, e); len(got) != 0 {
			t.Errorf("metric %v makes the line %q", m, got)
		}
	}
}

func TestInfluxLines(t *testing.T) {
	e := sample()
	e.SetState("ok")
	e.SetDescription("a \"b\"\nc\\")
	e.Set = event.NewSet([]string{"x", "y"}, []event.Attr{{Key: "dc", Value: "a=b, c"}, {Key: "other", Value: "left out"}})
	want := `http\ latency\ 0.95,host=web1.example.com,dc=a\=b\,\ c value=0.5,state="ok",description="a \"b\" c\\",tags="x,y" 1700000000123456` + "\n"
	if got := string(appendInfluxLine(nil, e, []string{"dc"})); got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	e.Has &^= event.HasFloat
	e.State, e.Description, e.Set = "", "", nil
	if got := appendInfluxLine(nil, e, nil); len(got) != 0 {
		t.Errorf("without a field: %q", got)
	}
}

// Whatever an event holds, its line is one line, and zeta's own reader of the protocol finds the values in it.
func FuzzInfluxLine(f *testing.F) {
	f.Add("web1", "cpu", "ok", "all is well", "x", "y")
	f.Add("", "#no comment", "", "", "", "")
	f.Add(`a\`, `b\ ,=`, "\"\\", "\n\r\x00\xff", `\`, " =,")
	f.Fuzz(func(t *testing.T, host, service, state, description, key, value string) {
		e := &event.Event{}
		e.SetHost(host)
		e.SetService(service)
		e.SetState(state)
		e.SetDescription(description)
		e.SetFloat(0.5)
		e.SetTime(1_700_000_000_000_000)
		if key != "" {
			e.Set = event.NewSet(nil, []event.Attr{{Key: key, Value: value}})
		}
		text := appendInfluxLine(nil, e, []string{key})
		if service == "" {
			if len(text) != 0 {
				t.Fatalf("an event without a service makes %q", text)
			}
			return
		}
		line, rest := lines.NextInflux(text)
		if len(rest) != 0 {
			t.Fatalf("%q is more than one line", text)
		}
		events, err := (&lines.Influx{}).Parse(nil, line, "")
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for i := range events {
			if m, ok := events[i].Metric(); ok && m == 0.5 {
				return
			}
		}
		t.Fatalf("%q gives %+v, without the metric", line, events)
	})
}
