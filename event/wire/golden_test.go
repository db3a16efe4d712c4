package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"zeta/event"
)

type golden struct {
	name    string
	payload []byte
}

// goldenFrames returns the messages of testdata/golden.
func goldenFrames(tb testing.TB) []golden {
	tb.Helper()
	files, err := filepath.Glob("testdata/golden/*.bin")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no golden messages: %v", err)
	}
	var out []golden
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, golden{filepath.Base(f), b})
	}
	return out
}

// TestGolden reads what real programs sent.
func TestGolden(t *testing.T) {
	collectd := []event.Attr{
		{Key: "plugin", Value: "df"}, {Key: "type", Value: "percent_bytes"}, {Key: "ds_name", Value: "value"},
		{Key: "plugin_instance", Value: "root"}, {Key: "type_instance", Value: "free"}, {Key: "ds_type", Value: "gauge"},
		{Key: "ds_index", Value: "0"}, {Key: "env", Value: "prod"},
	}
	notified := []event.Attr{
		{Key: "plugin", Value: "df"}, {Key: "plugin_instance", Value: "root"}, {Key: "type", Value: "percent_bytes"},
		{Key: "type_instance", Value: "free"}, {Key: "env", Value: "prod"},
	}
	tests := []struct {
		name  string
		query string
		stats Stats
		want  func(e *event.Event)
	}{
		{name: "c-client-int.bin", want: func(e *event.Event) {
			e.SetState("ok")
			e.SetService("svc")
			e.SetHost("web1")
			e.SetInt(42)
			e.Set = event.NewSet(nil, []event.Attr{{Key: "x-client", Value: "riemann-c-client"}})
		}},
		{name: "c-client-float.bin", want: func(e *event.Event) {
			e.SetState("ok")
			e.SetService("svc")
			e.SetHost("web1")
			e.SetFloat(42.5)
			e.Set = event.NewSet(nil, []event.Attr{{Key: "x-client", Value: "riemann-c-client"}})
		}},
		{name: "c-client-query.bin", query: "true"},
		{name: "ruby-int.bin", want: func(e *event.Event) {
			e.SetService("int")
			e.SetHost("vm")
			e.SetTime(1795340689_000000)
			e.SetInt(7)
		}},
		{name: "ruby-double.bin", want: func(e *event.Event) {
			e.SetState("critical")
			e.SetService("http req")
			e.SetHost("www1")
			e.SetDescription("Request took 2.53 seconds.")
			e.SetTime(1795340689_000000)
			e.SetTTL(20)
			e.SetFloat(2.53)
			e.Set = event.NewSet([]string{"http"}, []event.Attr{{Key: "foo", Value: "bar"}})
		}},
		{name: "node-int.bin", want: func(e *event.Event) {
			e.SetState("ok")
			e.SetService("node tcp int")
			e.SetHost("vm")
			e.SetTime(1795341903_000000)
			e.SetFloat(7)
		}},
		{name: "go-client-int.bin", want: func(e *event.Event) {
			e.SetService("go-int")
			e.SetHost("vm")
			e.SetTTL(30)
			e.SetInt(7)
			e.SetTime(1795341967_355218)
			e.Set = event.NewSet([]string{"a"}, []event.Attr{{Key: "k", Value: "v"}})
		}},
		{name: "syslog-ng.bin", want: func(e *event.Event) {
			e.SetState("ok")
			e.SetService("tls/myapp")
			e.SetHost("vm")
			e.SetDescription("disk is full")
			e.SetTime(1795341957_000000)
			e.Set = event.NewSet([]string{".source.s_net"}, nil)
		}},
		{name: "collectd-value.bin", want: func(e *event.Event) {
			e.SetService("df-root/percent_bytes-free")
			e.SetHost("web1.example.com")
			e.SetTime(1795340804_000000)
			e.SetTTL(20)
			e.SetFloat(7.5)
			e.Set = event.NewSet([]string{"collectd"}, collectd)
		}},
		{name: "collectd-notification.bin", stats: Stats{AttributesMoved: 1, AttributesDropped: 1}, want: func(e *event.Event) {
			e.SetState("critical")
			e.SetService("df-root/percent_bytes-free")
			e.SetHost("web1.example.com")
			e.SetDescription("disk")
			e.SetTime(1795340805_000000)
			e.Set = event.NewSet([]string{"notification", "collectd"}, notified)
		}},
	}
	frames := map[string][]byte{}
	for _, g := range goldenFrames(t) {
		frames[g.name] = g.payload
	}
	if len(frames) != len(tests) {
		t.Errorf("%d golden messages, %d expectations", len(frames), len(tests))
	}
	for _, tt := range tests {
		want := &Msg{Query: tt.query, HasQuery: tt.query != ""}
		if tt.want != nil {
			want.Events = make([]event.Event, 1)
			tt.want(&want.Events[0])
		}
		d := NewDecoder(Limits{})
		var got Msg
		if err := d.Decode(&got, frames[tt.name]); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := difference(&got, want); diff != "" {
			t.Errorf("%s: %s: got %+v, want %+v", tt.name, diff, got, want)
		}
		if d.Stats != tt.stats {
			t.Errorf("%s: stats %+v, want %+v", tt.name, d.Stats, tt.stats)
		}
	}
}

// TestAck pins the plain answer to its bytes.
func TestAck(t *testing.T) {
	if got := AppendFrame(nil, &Msg{OK: true, HasOK: true}); !bytes.Equal(got, AckOK) {
		t.Errorf("got % x, want % x", got, AckOK)
	}
	if want := []byte{0, 0, 0, 2, 0x10, 1}; !bytes.Equal(AckOK, want) {
		t.Errorf("AckOK is % x, want % x", AckOK, want)
	}
}
