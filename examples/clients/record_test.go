package clients

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"zeta/event"
	"zeta/event/wire"
	"zeta/internal/rig"
)

// recorder returns doors that lead to zeta; with -record through a recorder of the plain ones, whose file in
// server/testdata/riemann is written at the test's end.
func (r *bench) recorder(t *testing.T, name, about string) doors {
	if !*record {
		return r.doors
	}
	rec := rig.NewRecorder(t)
	e := seedEvent()
	rec.Add(rig.Piece{Conn: "tcp seed", Bytes: wire.AppendFrame(nil, &wire.Msg{Events: []event.Event{e}})})
	rec.Add(rig.Piece{Conn: "tcp seed", Answer: true, Bytes: wire.AckOK})
	d := r.doors
	d.tcp = rec.Front(r.tcp)
	t.Cleanup(func() {
		w := &script{t: t, streams: map[string]*frameStream{}, index: map[string]event.Event{}}
		fmt.Fprintf(&w.text, "# %s\n# Recorded by examples/clients with -record; the first event was there before.\n", about)
		for _, p := range rec.Pieces() {
			w.piece(p)
		}
		for _, key := range w.order {
			e := w.index[key]
			fmt.Fprintf(&w.text, "= %s\n", event.AppendJSON(nil, &e))
		}
		rig.Save(t, filepath.Join("..", "..", "server", "testdata", "riemann", name+".txt"), w.text.String())
	})
	return d
}

// script is the text of an exchange as server/testdata/riemann has it; its end says what the index must hold
// after it has been replayed.
type script struct {
	t       *testing.T
	text    strings.Builder
	last    string                  // the connection of the last line
	streams map[string]*frameStream // by connection and direction
	index   map[string]event.Event  // the newest event of each series that was sent
	order   []string
}

// piece writes bytes down, the length of a frame set off from what follows, and what the messages in it hold.
func (w *script) piece(p rig.Piece) {
	if p.Conn != w.last {
		fmt.Fprintf(&w.text, "+ %s\n", p.Conn)
		w.last = p.Conn
	}
	direction := '>'
	if p.Answer {
		direction = '<'
	}
	text := hex.EncodeToString(p.Bytes)
	if p.Conn != "udp" && len(p.Bytes) > 4 && p.Bytes[0] == 0 && p.Bytes[1] == 0 {
		text = text[:8] + " " + text[8:]
	}
	fmt.Fprintf(&w.text, "%c %s\n", direction, text)
	switch p.Conn {
	case "tcp seed":
	case "udp":
		w.comment(p.Bytes, p.Answer)
	default:
		key := fmt.Sprint(p.Conn, p.Answer)
		if w.streams[key] == nil {
			w.streams[key] = &frameStream{}
		}
		for _, m := range w.streams[key].add(p.Bytes) {
			w.comment(m, p.Answer)
		}
	}
}

// comment says what a message holds.
func (w *script) comment(payload []byte, answer bool) {
	var m wire.Msg
	if err := wire.NewDecoder(wire.DefaultLimits).Decode(&m, payload); err != nil {
		w.t.Errorf("a message that cannot be read: %v", err)
		return
	}
	for i := range m.Events {
		e := &m.Events[i]
		fmt.Fprintf(&w.text, "#   %s\n", event.AppendJSON(nil, e))
		if !answer {
			key := e.Host + "\x00" + e.Service
			if _, ok := w.index[key]; !ok {
				w.order = append(w.order, key)
			}
			w.index[key] = *e
		}
	}
	if m.HasQuery {
		fmt.Fprintf(&w.text, "#   query %s\n", m.Query)
	}
	if m.HasError {
		first, _, _ := strings.Cut(m.Error, "\n")
		fmt.Fprintf(&w.text, "#   error %s\n", first)
	}
}

// frameStream puts frames together from what was read.
type frameStream struct{ left []byte }

func (s *frameStream) add(b []byte) (payloads [][]byte) {
	s.left = append(s.left, b...)
	f := wire.NewFrameReader(bytes.NewReader(s.left), wire.DefaultLimits.Frame)
	for {
		if f.Fill() != nil {
			return payloads
		}
		for {
			p, ok, err := f.Next()
			if err != nil || !ok {
				break
			}
			payloads = append(payloads, bytes.Clone(p))
			s.left = s.left[4+len(p):]
		}
	}
}
