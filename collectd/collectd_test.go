package collectd

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"zeta/event"

	"collectd.org/api"
	"collectd.org/network"
)

var password = map[string]string{"web1": "secret one"}

func recorded(t testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/" + name + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// show writes an event in one line.
func show(e *event.Event) string {
	m, _ := e.Metric()
	var attrs []string
	for _, a := range e.Attrs() {
		attrs = append(attrs, a.Key+"="+a.Value)
	}
	return fmt.Sprintf("%s|%s|%s|%s|%v|%v|%v|%v|%s", e.Host, e.Service, e.State, e.Description, m, e.Is(event.HasTime), e.TTL, e.Tags(), strings.Join(attrs, ","))
}

// TestRecorded holds that one run of collectd gives the same events however it was protected, and what they are.
func TestRecorded(t *testing.T) {
	types, err := ReadTypes()
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for _, c := range []struct {
		name string
		need Level
	}{{"plain", Plain}, {"signed", Plain}, {"signed", Signed}, {"encrypted", Encrypted}} {
		m := NewMapper(Options{Types: types})
		var lines []string
		for i := range 5 {
			var p Packet
			if err := p.Parse(recorded(t, fmt.Sprintf("%s_%d", c.name, i+1)), Security{c.need, password}); err != nil {
				t.Fatalf("%s %d: %v", c.name, i+1, err)
			}
			events := m.Append(nil, &p, 0)
			for i := range events {
				lines = append(lines, show(&events[i]))
			}
		}
		runs = append(runs, strings.Join(lines, "\n"))
	}
	for _, want := range []string{
		"web1.example.com|df-root/percent_bytes-free|critical|disk|0|true|0|[notification]|plugin=df,plugin_instance=root,type=percent_bytes,type_instance=free",
		"web1.example.com|df-root/percent_bytes-free|||7.5|true|20|[]|ds_index=0,ds_name=value,ds_type=gauge,plugin=df,plugin_instance=root,type=percent_bytes,type_instance=free",
		"|load/load/shortterm|", "web1.example.com|interface-lo/if_octets/rx|||NaN|true|2|[]|ds_index=0,ds_name=rx,ds_type=derive:rate,plugin=interface,plugin_instance=lo,type=if_octets",
	} {
		if !strings.Contains(runs[0], want) {
			t.Errorf("%q is not among\n%s", want, runs[0])
		}
	}
	for i, run := range runs[1:] {
		// The servers' packets are cut at different places, so that the order may differ, but not the number.
		if a, b := strings.Count(run, "\n"), strings.Count(runs[0], "\n"); a != b {
			t.Errorf("run %d has %d events, the plain one %d", i+1, a+1, b+1)
		}
	}
}

func TestSecurity(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Security
		want string
	}{
		{"plain", Security{Signed, password}, "not signed"},
		{"plain", Security{Encrypted, password}, "not encrypted"},
		{"signed", Security{Encrypted, password}, "not encrypted"},
		{"signed", Security{Signed, nil}, "unknown user"},
		{"signed", Security{Plain, map[string]string{"web1": "x"}}, "signature of user \"web1\" is wrong"},
		{"encrypted", Security{Plain, nil}, "unknown user"},
		{"encrypted", Security{Plain, map[string]string{"web1": "x"}}, "does not fit"},
		{"signed", Security{Plain, nil}, ""},
		{"encrypted", Security{Signed, password}, ""},
	} {
		var p Packet
		err := p.Parse(recorded(t, c.name+"_1"), c.s)
		if c.want == "" {
			if err != nil || len(p.Values) == 0 {
				t.Errorf("%s with %v: %v, %d values", c.name, c.s.Need, err, len(p.Values))
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !err.(*PartError).Auth || len(p.Values) > 0 {
			t.Errorf("%s with %v: %v, %d values, want %q and none", c.name, c.s.Need, err, len(p.Values), c.want)
		}
	}
	changed := recorded(t, "signed_1")
	changed[len(changed)-1] ^= 1
	var p Packet
	if err := p.Parse(changed, Security{Plain, password}); err == nil {
		t.Error("a changed packet passes its signature")
	}
}

// TestOtherEncoder reads what another implementation writes.
func TestOtherEncoder(t *testing.T) {
	at := time.Unix(1_700_000_000, 250_000_000)
	for _, protect := range []func(*network.Buffer){
		func(*network.Buffer) {}, func(b *network.Buffer) { b.Sign("web1", "secret one") }, func(b *network.Buffer) { b.Encrypt("web1", "secret one") },
	} {
		b := network.NewBuffer(0)
		protect(b)
		if err := b.Write(context.Background(), &api.ValueList{
			Identifier: api.Identifier{Host: "h", Plugin: "p", PluginInstance: "pi", Type: "if_octets", TypeInstance: "ti"},
			Time:       at, Interval: 10 * time.Second, Values: []api.Value{api.Derive(-5), api.Gauge(1.5), api.Counter(math.MaxUint64)},
		}); err != nil {
			t.Fatal(err)
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		if err := p.Parse(raw, Security{Passwords: password}); err != nil {
			t.Fatal(err)
		}
		if len(p.Values) != 1 {
			t.Fatalf("%d value lists, want 1", len(p.Values))
		}
		v := p.Values[0]
		if v.Identity != (Identity{"h", "p", "pi", "if_octets", "ti"}) || v.Time != at.UnixMicro() || v.Interval != 10 ||
			int64(v.Values[0].Count) != -5 || v.Values[1].Gauge != 1.5 || v.Values[2].Count != math.MaxUint64 {
			t.Errorf("got %+v", v)
		}
	}
}

func TestRates(t *testing.T) {
	type step struct {
		at    float64
		count uint64
		want  float64
	}
	nan := math.NaN()
	negative := int64(-20)
	for _, c := range []struct {
		name  string
		kind  ValueKind
		typ   string
		steps []step
	}{
		{"counter", Counter, "x", []step{{0, 100, nan}, {10, 200, 10}, {20, 200, 0}}},
		{"counter wraps at 32 bits", Counter, "x", []step{{0, 1<<32 - 10, nan}, {10, 90, 10}}},
		{"counter wraps at 64 bits", Counter, "x", []step{{0, math.MaxUint64 - 9, nan}, {10, 90, 10}}},
		{"counter begins anew", Counter, "x", []step{{0, 1_000_000, nan}, {10, 5, nan}, {20, 105, 10}}},
		{"derive goes down", Derive, "x", []step{{0, 30, nan}, {10, 10, -2}, {20, uint64(negative), -3}}},
		{"derive of a type that cannot be negative", Derive, "bounded", []step{{0, 30, nan}, {10, 10, nan}, {20, 20, 1}}},
		{"absolute", Absolute, "x", []step{{0, 50, 5}, {10, 100, 10}}},
		{"twice the same time", Counter, "x", []step{{10, 1, nan}, {10, 2, nan}, {5, 1, nan}, {20, 101, 10}}},
	} {
		m := NewMapper(Options{Types: Types{"bounded": {{"value", Derive, 0, nan}}}})
		for i, s := range c.steps {
			l := ValueList{Identity: Identity{Host: "h", Plugin: "p", Type: c.typ}, Time: 1e15 + int64(s.at*1e6), Interval: 10, Values: []Value{{Kind: c.kind, Count: s.count}}}
			got := m.AppendValues(nil, &l, 0)[0].Float
			if got != s.want && !(math.IsNaN(got) && math.IsNaN(s.want)) {
				t.Errorf("%s, step %d: got %v, want %v", c.name, i, got, s.want)
			}
		}
	}
}

// TestRateBound holds that a flood of identities takes no more than its bound, and that room comes back.
func TestRateBound(t *testing.T) {
	m := NewMapper(Options{MaxRates: 10})
	send := func(i int, now int64) {
		m.AppendValues(nil, &ValueList{Identity: Identity{Host: fmt.Sprint(i)}, Time: 1 << 60, Interval: 10, Values: []Value{{Kind: Counter}}}, now)
	}
	for i := range 1000 {
		send(i, 1e15)
	}
	if len(m.last) != 10 || m.Full != 990 {
		t.Errorf("%d remembered, %d refused, want 10 and 990", len(m.last), m.Full)
	}
	send(5000, 1e15+200e6)
	if len(m.last) != 1 || m.Forgot != 10 {
		t.Errorf("%d remembered, %d forgotten after the silence, want 1 and 10", len(m.last), m.Forgot)
	}
}

func TestTypesFile(t *testing.T) {
	name := t.TempDir() + "/types.db"
	write := func(text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# c\nif_octets rx:DERIVE:0:U, tx:DERIVE:0:4294967295\nown\tvalue:GAUGE:U:100\n")
	types, err := ReadTypes(name)
	if err != nil || types["if_octets"][1].Max != math.MaxUint32 || !math.IsNaN(types["own"][0].Min) || len(types["load"]) != 3 {
		t.Errorf("got %v %v", types, err)
	}
	for _, bad := range []string{"own\n", "own value:GAUGE:0\n", "own value:FOO:0:1\n", "own value:GAUGE:x:1\n"} {
		write(bad)
		if _, err := ReadTypes(name); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"plain_1", "plain_2", "signed_1", "encrypted_2"} {
		f.Add(recorded(f, name))
	}
	f.Add(binary.BigEndian.AppendUint16([]byte{0, 6, 0, 6}, 0xffff))
	types, err := ReadTypes()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, need := range []Level{Plain, Signed, Encrypted} {
			var p Packet
			err := p.Parse(b, Security{need, password})
			if _, ok := err.(*PartError); err != nil && !ok {
				t.Fatalf("error %T", err)
			}
			events := NewMapper(Options{Types: types}).Append(nil, &p, 1)
			if len(events) > len(b) {
				t.Fatalf("%d events of %d bytes", len(events), len(b))
			}
			for i := range events {
				event.AppendJSON(nil, &events[i])
			}
		}
	})
}
