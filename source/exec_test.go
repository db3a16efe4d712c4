package source

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"zeta/event"
)

// plugin writes a program for the shell and returns its path.
func plugin(t *testing.T, text string) string {
	if runtime.GOOS == "windows" {
		t.Skip("the plugins of this test are shell scripts")
	}
	path := filepath.Join(t.TempDir(), "check_test")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExec(t *testing.T) {
	t.Setenv("SLACK_TOKEN", "xoxb")
	for _, tt := range []struct{ script, options, state, description string }{
		{"echo all well", "{}", "ok", "all well"},
		{"echo hm; exit 1", "{}", "warning", "hm"},
		{"echo bad; exit 2", "{}", "critical", "bad"},
		{"echo eh; exit 3", "{}", "unknown", "eh"},
		{"echo odd; exit 77", "{}", "unknown", "odd"},
		{"echo to nobody >&2; exit 2", "{}", "critical", ""},
		{`echo "[$SLACK_TOKEN] $WORD"; pwd`, `{env: {WORD: "w"}}`, "ok", "[] w"},
		{"pwd", "{}", "ok", "/"},
		{"kill -9 $$", "{}", "unknown", "ended by signal: killed"},
		{"sleep 60 & echo early; sleep 60", `{timeout: "100ms"}`, "unknown", "did not end within 100ms"},
		{"head -c 1000000 /dev/zero | tr '\\0' x", `{maxOutput: 5}`, "ok", "xxxxx"},
	} {
		e := look(t, fmt.Sprintf(`source.exec(["%s"], %s);`, plugin(t, tt.script), tt.options))
		if e.State != tt.state || e.Description != tt.description || e.Service != "test" || e.Host == "" {
			t.Errorf("%s: %s %q service %q, want %s %q", tt.script, e.State, e.Description, e.Service, tt.state, tt.description)
		}
	}
	if e := look(t, `source.exec(["/does/not/exist"]);`); e.State != "unknown" || !strings.Contains(e.Description, "cannot be run") {
		t.Errorf("a program that does not exist: %+v", e)
	}
}

func TestExecPerformanceData(t *testing.T) {
	path := plugin(t, `echo "DISK OK | /=87%;80;90;0;100 '/var log'=12MB;;;0"; exit 0`)
	events := lookAll(t, fmt.Sprintf(`source.exec(["%s"], {service: "disk", tags: ["plugin"]});`, path))
	if len(events) != 3 {
		t.Fatalf("%d events, want the program's and two values", len(events))
	}
	for i, want := range []struct {
		service, state, unit, warn string
		value                      float64
	}{{"disk /", "warning", "%", "80", 87}, {"disk /var log", "ok", "MB", "", 12}} {
		e := events[i+1]
		unit, _ := e.Attr("unit")
		warn, _ := e.Attr("warn")
		if e.Service != want.service || e.State != want.state || e.Float != want.value || unit != want.unit || warn != want.warn || !e.Set.HasTag("plugin") {
			t.Errorf("%+v %v, want %+v", e, e.Set, want)
		}
	}
	if e := events[0]; e.Description != "DISK OK" || !e.Is(event.HasFloat) {
		t.Errorf("the program's: %+v", e)
	}
}

func TestParsePlugin(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"text only\nmore", "text only"},
		{"a | x=1", "a; x=1"},
		{"a|x=1;2;3;4;5 y=-0.5s", "a; x=1;2;3;4;5 y=-0.5s"},
		{"a | 'it''s x'=1c 'open=2", "a; it's x=1c"},
		{"a | =1 x= y=U z=1e3B novalue w=1,5ms 'quoted' v=2", "a; z=1000B w=1.5ms v=2"},
		{"a | x=1\nlong text\nmore | y=2\nz=3", "a; x=1 y=2 z=3"},
		{"| x=nan y=0x10 z=1e", "; y=0x10 z=1e"},
	} {
		p := parsePlugin([]byte(tt.in))
		got := p.text
		for i, d := range p.data {
			if got += " "; i == 0 {
				got = p.text + "; "
			}
			got += fmt.Sprintf("%s=%v%s", d.label, d.value, d.unit)
			if d.warn+d.crit+d.min+d.max != "" {
				got += strings.Join([]string{"", d.warn, d.crit, d.min, d.max}, ";")
			}
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestPluginRanges(t *testing.T) {
	for _, tt := range []struct {
		threshold string
		inside    []float64
		outside   []float64
	}{
		{"10", []float64{0, 5, 10}, []float64{-1, 10.1}},
		{"10:", []float64{10, 1e9}, []float64{9}},
		{"~:10", []float64{-1e9, 10}, []float64{11}},
		{"10:20", []float64{10, 20}, []float64{9, 21}},
		{"@10:20", []float64{9, 21}, []float64{10, 20}},
		{":10", []float64{0, 10}, []float64{-1}},
	} {
		for _, v := range tt.inside {
			if alert, ok := outside(tt.threshold, v); alert || !ok {
				t.Errorf("%s alerts at %v", tt.threshold, v)
			}
		}
		for _, v := range tt.outside {
			if alert, ok := outside(tt.threshold, v); !alert || !ok {
				t.Errorf("%s does not alert at %v", tt.threshold, v)
			}
		}
	}
	for _, bad := range []string{"", "@", "x", "1:x", "x:1"} {
		if alert, ok := outside(bad, 5); alert || ok {
			t.Errorf("%q is a range", bad)
		}
	}
	if alert, ok := outside("10", math.NaN()); !alert || !ok {
		t.Error("not a number is within 0 and 10")
	}
}

func FuzzParsePlugin(f *testing.F) {
	for _, s := range []string{"OK | a=1;2;3;4;5 'b c'=2%", "x|'a''b'=1e5e\ny|z=1", "|'", "a|b=;;;;;;;",
		// of Debian's check_load, check_disk and check_procs
		"LOAD WARNING - total load average: 6.47, 5.95, 5.46|load1=6.470;5.000;10.000;0; load5=5.950;4.000;8.000;0; load15=5.460;3.000;6.000;0; \n",
		"DISK OK - free space: / 54753MiB (58% inode=96%);| /=40379613184B;243497277849;257024904396;0;270552530944\n",
		"PROCS OK: 91 processes | procs=91;;;0;\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p := parsePlugin(in)
		size := len(p.text)
		for _, d := range p.data {
			size += len(d.label) + len(d.unit)
			d.state()
		}
		if size > len(in) || len(p.data) > maxPerfData {
			t.Fatalf("%d bytes out of %d, %d items", size, len(in), len(p.data))
		}
	})
}
