package collectd

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"zeta/event"
	"zeta/internal/jsonparts"
)

func body(t testing.TB, name string) string {
	b, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// systemTypes are enough of types.db for what was recorded.
func systemTypes() Types {
	t := builtinTypes()
	for name, kind := range map[string]ValueKind{"memory": Gauge, "gauge": Gauge, "counter": Counter, "percent_bytes": Gauge, "smart_badsectors": Gauge} {
		t[name] = []Source{{"value", kind, math.NaN(), math.NaN()}}
	}
	return t
}

// bodies reads recorded bodies and returns their events, one a line.
func bodies(t *testing.T, rates bool, names ...string) string {
	t.Helper()
	m := NewMapper(Options{Types: systemTypes()})
	var events []event.Event
	for _, name := range names {
		text := body(t, name)
		if text[0] != '[' {
			for line := range strings.Lines(text) {
				var l ValueList
				if err := l.ParseCommand(strings.TrimSpace(line), systemTypes(), rates); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				events = m.AppendValues(events, &l, 0)
			}
			continue
		}
		if err := jsonparts.Items([]byte(text), func(_ int, item []byte) error {
			if IsNotification(item) {
				var n Notification
				err := n.ParseJSON(item, systemTypes())
				events = m.AppendNotification(events, &n)
				return err
			}
			var l ValueList
			err := l.ParseJSON(item, rates)
			events = m.AppendValues(events, &l, 0)
			return err
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var lines []string
	for i := range events {
		lines = append(lines, show(&events[i]))
	}
	return strings.Join(lines, "\n")
}

// TestRecordedBodies holds that write_http's bodies give the events that the binary protocol gives.
func TestRecordedBodies(t *testing.T) {
	const load = "web1.example.com|load/load/shortterm|||2.33251953125|true|2|[]|ds_index=0,ds_name=shortterm,ds_type=gauge,plugin=load,type=load"
	const free = "web1.example.com|df-root/percent_bytes-free|||7.5|true|20|[]|ds_index=0,ds_name=value,ds_type=gauge,plugin=df,plugin_instance=root,type=percent_bytes,type_instance=free"
	const octets = "web1.example.com|interface-lo/if_octets/rx|||%|true|2|[]|ds_index=0,ds_name=rx,ds_type=derive:rate,plugin=interface,plugin_instance=lo,type=if_octets"
	const count = "web1.example.com|myapp/counter-requests|||NaN|true|20|[]|ds_index=0,ds_name=value,ds_type=counter:rate,plugin=myapp,type=counter,type_instance=requests"
	const quoted = `web1.example.com|my app/gauge-a "b"|||1|true|20|[]|ds_index=0,ds_name=value,ds_type=gauge,plugin=my app,type=gauge,type_instance=a "b"`
	const trap = "web1.example.com|trap-x/gauge-nan|||NaN|true|20|[]|"
	at := func(rate string) string { return strings.Replace(octets, "%", rate, 1) }
	for _, c := range []struct {
		name  string
		rates bool
		files []string
		want  []string
	}{
		{"JSON", false, []string{"json_1", "notification", "json_2"}, []string{load, free, trap, count, quoted, at("NaN"), at("0"),
			"web1.example.com|smart-sdb/smart_badsectors|critical|disk \"sdb\" is dying|0|true|0|[notification]|plugin=smart,plugin_instance=sdb,type=smart_badsectors"}},
		{"rates", true, []string{"rates_1", "rates_2"}, []string{load, free, trap, count, quoted, at("14174.3033477216")}},
		{"commands", false, []string{"command_1", "command_2"}, []string{load, free, trap, count, quoted, at("NaN"), at("0")}},
	} {
		got := strings.Split(bodies(t, c.rates, c.files...), "\n")
		for _, want := range c.want {
			if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, want) }) {
				t.Errorf("%s: %q is not among\n%s", c.name, want, strings.Join(got, "\n"))
			}
		}
	}
}

func TestBadLists(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: "without plugin, type or values",
		`{"plugin":"p","type":"t","values":[1],"dstypes":["gauge"],"dsnames":[]}`:             "1 values, 1 dstypes and 0 dsnames",
		`{"plugin":"p","type":"t","values":[1],"dstypes":["x"],"dsnames":["value"]}`:          `dstype "x"`,
		`{"plugin":"p","type":"t","values":[0.5],"dstypes":["derive"],"dsnames":["value"]}`:   "storeRates: true here",
		`{"plugin":"p","type":"t","values":[null],"dstypes":["counter"],"dsnames":["value"]}`: "storeRates: true here",
		`{"plugin":"p","type":"t","values":["x"],"dstypes":["gauge"],"dsnames":["value"]}`:    "invalid number",
		`{"plugin":"p","type":"t","values":{"a":1}}`:                                          "cannot unmarshal",
		`{"plugin":"` + strings.Repeat("p", MaxText) + `"}`:                                   "limit 65536",
		"PUTVAL a/b/gauge interval=x N:1":                                                     `interval "x"`,
		"PUTVAL a/b N:1":                                                                      "identifier",
		"PUTVAL a/b/gauge":                                                                    "found",
		"PUTNOTIF a":                                                                          "found",
		`PUTVAL "a/b/gauge N:1`:                                                               "not closed",
		"PUTVAL a/b/gauge N:1:2":                                                              "2 values of type",
		"PUTVAL a/b/unknown N:1":                                                              "types.db must be the sender's",
		"PUTVAL a/b/gauge soon:1":                                                             `time "soon"`,
		"PUTVAL a/b/counter N:1.5":                                                            "storeRates: true here",
		"\xff":                                                                                "UTF-8",
		`{"labels":{"alertname":"Other"}}`:                                                    "want collectd_plugin_type",
		`{"labels":{"alertname":"collectd_a"},"startsAt":"soon"}`:                             "parsing time",
	} {
		var l ValueList
		var err error
		switch {
		case IsNotification([]byte(in)):
			err = (&Notification{}).ParseJSON([]byte(in), nil)
		case in[0] == '{':
			err = l.ParseJSON([]byte(in), false)
		default:
			err = l.ParseCommand(in, systemTypes(), false)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", in, err, want)
		}
	}
}

// TestNotificationNames takes apart what write_http puts in one word.
func TestNotificationNames(t *testing.T) {
	types := Types{"df_complex": nil, "percent_bytes": nil, "load": nil}
	for _, c := range []struct{ labels, want string }{
		{`"alertname":"collectd_df_complex","df":"root","type":"free"`, "df-root/df_complex-free"},
		{`"alertname":"collectd_df_percent_bytes","df":"root","type":"free"`, "df-root/percent_bytes-free"},
		{`"alertname":"collectd_load"`, "load/load"},
		{`"alertname":"collectd_ping_ping_droprate"`, "ping/ping_droprate"},
		{`"alertname":"collectd_my_app_gauge","my_app":"x"`, "my_app-x/gauge"},
		{`"alertname":"collectd_other","my_app":"x"`, "my_app-x/other"},
	} {
		var n Notification
		text := `{"labels":{"instance":"web1","severity":"OKAY",` + c.labels + `},"annotations":{"summary":"s"},"startsAt":"2023-11-14T22:13:20.5Z"}`
		if err := n.ParseJSON([]byte(text), types); err != nil {
			t.Fatal(err)
		}
		if n.Host != "web1" || n.service() != c.want || n.Severity != "ok" || n.Message != "s" || n.Time != 1_700_000_000_500_000 {
			t.Errorf("%s: %+v, want %s", c.labels, n, c.want)
		}
	}
}

// TestMeta holds that what a sender says beside is kept, and hides no field.
func TestMeta(t *testing.T) {
	var l ValueList
	if err := l.ParseJSON([]byte(`{"host":"h","plugin":"p","type":"t","values":[18446744073709551615],"dstypes":["counter"],"dsnames":["value"],"meta":{"network:received":true,"host":"x","plugin":"y"}}`), false); err != nil {
		t.Fatal(err)
	}
	e := NewMapper(Options{RawCounts: true}).AppendValues(nil, &l, 0)[0]
	if got, want := show(&e), "h|p/t|||1.8446744073709552e+19|false|0|[]|ds_index=0,ds_name=value,ds_type=counter,hosttag=x,network:received=true,plugin=p,type=t"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzHTTP(f *testing.F) {
	for _, name := range []string{"json_2", "rates_2", "notification"} {
		jsonparts.Items([]byte(body(f, name)), func(_ int, item []byte) error { f.Add(string(item), false); return nil })
	}
	for line := range strings.Lines(body(f, "command_2")) {
		f.Add(strings.TrimSpace(line), false)
	}
	types := systemTypes()
	f.Fuzz(func(t *testing.T, in string, rates bool) {
		m := NewMapper(Options{Types: types})
		var l, c ValueList
		var n Notification
		var events []event.Event
		if l.ParseJSON([]byte(in), rates) == nil {
			events = m.AppendValues(events, &l, 1)
		}
		if c.ParseCommand(in, types, rates) == nil {
			events = m.AppendValues(events, &c, 1)
		}
		if n.ParseJSON([]byte(in), types) == nil {
			events = m.AppendNotification(events, &n)
		}
		if len(events) > len(in) {
			t.Fatalf("%d events of %d bytes", len(events), len(in))
		}
		for i := range events {
			if text := event.AppendJSON(nil, &events[i]); !json.Valid(text) {
				t.Fatalf("%s", text)
			}
		}
	})
}
