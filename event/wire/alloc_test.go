package wire

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"zeta/event"
)

// TestAllocs: events of known series cost no allocation, decoded or encoded.
func TestAllocs(t *testing.T) {
	for name, sample := range map[string]func(batch, n int) []byte{"app": appSample, "collectd": collectdSample} {
		for _, n := range []int{1, 100, 1000} {
			var payloads [][]byte
			for batch := range 10_000 / n {
				payloads = append(payloads, sample(batch, n))
			}
			d := NewDecoder(Limits{})
			var m Msg
			i := 0
			decode := func() {
				if err := d.Decode(&m, payloads[i%len(payloads)]); err != nil {
					t.Fatal(err)
				}
				i++
			}
			for range 4 * len(payloads) {
				decode()
			}
			if got := testing.AllocsPerRun(2*len(payloads), decode); got != 0 {
				t.Errorf("%s, %d events in a message: %v allocations to decode, want 0", name, n, got)
			}
			buf := AppendFrame(nil, &m)
			if got := testing.AllocsPerRun(10, func() { buf = AppendFrame(buf[:0], &m) }); got != 0 {
				t.Errorf("%s, %d events in a message: %v allocations to encode, want 0", name, n, got)
			}
		}
	}
}

// allocated runs f and returns the bytes it allocated.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBombs: what a message can make the decoder allocate is bounded by its length and the limits,
// whatever it claims. Per event that is an Event; per tag and attribute a header beside its bytes.
func TestBombs(t *testing.T) {
	const slack = 64 << 10
	eventSize := uint64(unsafe.Sizeof(event.Event{}))
	tests := []struct {
		name    string
		payload []byte
		err     string
		bound   func(frame uint64) uint64
	}{
		{"eight million empty events", []byte(strings.Repeat("\x32\x00", 8<<20)),
			"wire: field 6 (events) at byte 20000: more than 10000 events in a message",
			func(uint64) uint64 { return 0 }},
		{"as many events as allowed, all empty", []byte(strings.Repeat("\x32\x00", 10_000)), "",
			func(uint64) uint64 { return 10_000 * eventSize }},
		{"a million tags", bomb(strings.Repeat("\x3a\x00", 1<<20)),
			"wire: event 1: field 7 (tags) at byte 133: more than 64 tags",
			func(frame uint64) uint64 { return 2*frame + eventSize }},
		{"a million attributes", bomb(strings.Repeat("\x4a\x02\x0a\x00", 1<<20)),
			"wire: event 1: field 9 (attributes) at byte 261: more than 64 attributes",
			func(frame uint64) uint64 { return 2*frame + eventSize }},
		{"a string that claims 2 GiB", bomb("\x22\xff\xff\xff\xff\x07h"),
			"wire: event 1: field 4 (host) at byte 2: length 2147483647, but 1 bytes are left",
			func(uint64) uint64 { return eventSize }},
		{"a description of 15 MiB", bomb("\x2a\x80\x80\xc0\x07" + strings.Repeat("d", 15<<20)), "",
			func(uint64) uint64 { return 64<<10 + eventSize }},
	}
	for _, tt := range tests {
		var err error
		got := allocated(func() {
			var m Msg
			err = NewDecoder(Limits{}).Decode(&m, tt.payload)
		})
		if text := errorText(err); text != tt.err {
			t.Errorf("%s: error %q, want %q", tt.name, text, tt.err)
		}
		if want := tt.bound(uint64(len(tt.payload))) + slack; got > want {
			t.Errorf("%s: %d bytes allocated for %d, want at most %d", tt.name, got, len(tt.payload), want)
		}
	}
}

// bomb wraps the fields of an event as a message.
func bomb(fields string) []byte {
	var n []byte
	for v := len(fields); ; v >>= 7 {
		if v < 0x80 {
			n = append(n, byte(v))
			break
		}
		n = append(n, byte(v)|0x80)
	}
	return []byte("\x32" + string(n) + fields)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestHostileCardinality: a sender of ever new hosts, services, states and tags cannot make the caches
// grow past their bounds, nor keep what was evicted alive.
func TestHostileCardinality(t *testing.T) {
	d := NewDecoder(Limits{})
	var m Msg
	const events = 200_000
	unique := 0
	send := func(n int) {
		m.Events = m.Events[:0]
		in := Msg{Events: make([]event.Event, n)}
		for i := range in.Events {
			e := &in.Events[i]
			text := strings.Repeat("x", 80) + string(rune('a'+unique%26)) + itoa(unique)
			unique++
			e.SetHost("h" + text)
			e.SetService("s" + text)
			e.SetState("t" + text)
			e.SetDescription("d" + text)
			e.Set = event.NewSet([]string{text}, []event.Attr{{Key: text, Value: text}})
		}
		if err := d.Decode(&m, AppendMsg(nil, &in)); err != nil {
			t.Fatal(err)
		}
	}
	for unique < events {
		send(1000)
	}
	m.Reset()
	for name, c := range map[string]*cache{"hosts": &d.hosts, "services": &d.services, "states": &d.states, "texts": &d.texts, "sets": &d.sets} {
		if len(c.slots) > c.max {
			t.Errorf("%s: %d slots, want at most %d", name, len(c.slots), c.max)
		}
	}
	runtime.GC()
	var with, without runtime.MemStats
	runtime.ReadMemStats(&with)
	runtime.KeepAlive(d)
	d = nil
	runtime.GC()
	runtime.ReadMemStats(&without)
	if held := int64(with.HeapAlloc) - int64(without.HeapAlloc); held > 4<<20 {
		t.Errorf("the decoder held %d bytes after %d strange events, want at most 4 MiB", held, events)
	}
}

func itoa(n int) string {
	var b [20]byte
	i := len(b)
	for ; n > 0; n /= 10 {
		i--
		b[i] = byte('0' + n%10)
	}
	return string(b[i:])
}

// TestShrink: slots that are no longer used let go of their strings, and a large array is given back.
func TestShrink(t *testing.T) {
	d := NewDecoder(Limits{})
	var m Msg
	decode := func(n int) {
		t.Helper()
		if err := d.Decode(&m, appSample(0, n)); err != nil || len(m.Events) != n {
			t.Fatalf("%d events, error %v, want %d", len(m.Events), err, n)
		}
	}
	decode(5000)
	decode(10)
	for i, e := range m.Events[:5000][10:] {
		if e.Host != "" {
			t.Fatalf("event %d beyond the message still holds host %q", i+10, e.Host)
		}
	}
	for range 200 {
		decode(10)
	}
	if cap(m.Events) > keepEvents {
		t.Errorf("room for %d events after 200 messages of 10", cap(m.Events))
	}
}

// TestManyHosts: a connection with more hosts than the decoder remembers costs a copy of each name, and nothing
// when the names are kept elsewhere.
func TestManyHosts(t *testing.T) {
	known := map[string]string{}
	var payloads [][]byte
	for h := range 3 * maxSlots {
		var e event.Event
		host := fmt.Sprintf("web-%05d.prod1", h)
		known[host] = host
		e.SetHost(host)
		payloads = append(payloads, AppendMsg(nil, &Msg{Events: []event.Event{e}}))
	}
	for _, shared := range []bool{false, true} {
		d := NewDecoder(Limits{})
		want := 1.0
		if shared {
			d.ShareHosts(func(b []byte) (string, bool) { s, ok := known[string(b)]; return s, ok })
			want = 0
		}
		var m Msg
		i := 0
		decode := func() {
			if err := d.Decode(&m, payloads[i%len(payloads)]); err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("web-%05d.prod1", i%len(payloads)); m.Events[0].Host != want {
				t.Fatalf("decoded host %q, want %q", m.Events[0].Host, want)
			}
			i++
		}
		for range 2 * len(payloads) {
			decode()
		}
		i = 0
		got := testing.AllocsPerRun(len(payloads), func() {
			if err := d.Decode(&m, payloads[i%len(payloads)]); err != nil {
				t.Fatal(err)
			}
			i++
		})
		if got > want {
			t.Errorf("shared names %v: %v allocations for each new host, want %v", shared, got, want)
		}
	}
}
