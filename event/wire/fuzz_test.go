package wire

import (
	"errors"
	"strings"
	"testing"
)

// FuzzDecode holds three readers together: Decode, its slow path alone, and protobuf-go.
func FuzzDecode(f *testing.F) {
	for _, g := range goldenFrames(f) {
		f.Add(g.payload)
	}
	for _, p := range awkward {
		f.Add([]byte(p.payload))
	}
	dec := NewDecoder(Limits{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) > DefaultLimits.Text {
			return // the oracle cuts nothing
		}
		var got Msg
		err := dec.Decode(&got, payload)
		fresh := NewDecoder(Limits{})
		var again Msg
		if err2 := fresh.Decode(&again, payload); (err == nil) != (err2 == nil) {
			t.Fatalf("a used decoder says %v, a fresh one %v", err, err2)
		}
		want, oerr := oracle(payload)
		var de *DecodeError
		switch {
		case err == nil && oerr == nil:
			if d := difference(&got, want); d != "" {
				t.Fatalf("%s: got %+v, protobuf-go reads %+v", d, got, want)
			}
			if d := difference(&again, want); d != "" {
				t.Fatalf("fresh decoder: %s: got %+v, protobuf-go reads %+v", d, again, want)
			}
			slowly(t, payload, &got)
			roundTrip(t, want)
		case err == nil:
			if fresh.Stats.States == 0 { // what a state holds is not looked at
				t.Fatalf("accepted; protobuf-go says %v", oerr)
			}
		case !errors.As(err, &de):
			t.Fatalf("error %T, want *DecodeError", err)
		case de.Offset < 0 || de.Offset > len(payload):
			t.Fatalf("offset %d of %d bytes: %v", de.Offset, len(payload), err)
		case oerr == nil && !de.Limit && !strings.Contains(de.Reason, "deeper"):
			t.Fatalf("refused: %v; protobuf-go reads it", err)
		}
	})
}

// slowly decodes the events of payload by the slow path alone and compares.
func slowly(t *testing.T, payload []byte, want *Msg) {
	t.Helper()
	d := NewDecoder(Limits{})
	n := 0
	for i := 0; i < len(payload); {
		f, _ := readField(payload, i)
		i = f.to
		if f.num != 6 || f.typ != typeBytes {
			continue
		}
		e := want.Events[n]
		if err := d.slow(&e, payload[f.from:f.to]); err != nil {
			t.Fatalf("slow path: %v", err)
		}
		if diff := eventDifference(&e, &want.Events[n]); diff != "" {
			t.Fatalf("slow path: %s: got %+v, want %+v", diff, e, want.Events[n])
		}
		n++
	}
}

// roundTrip encodes m and decodes it again.
func roundTrip(t *testing.T, m *Msg) {
	t.Helper()
	var back Msg
	b := AppendMsg(nil, m)
	d := NewDecoder(Limits{})
	if err := d.Decode(&back, b); err != nil {
		t.Fatalf("decode what was encoded: %v", err)
	}
	if diff := difference(&back, m); diff != "" {
		t.Fatalf("decode∘encode: %s: got %+v, want %+v", diff, back, m)
	}
}
