package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"zeta/event"
	"zeta/streams"
)

// letterbox is what Sinks do whose queues can be looked into.
type letterbox interface {
	Status() []streams.SinkStatus
	DeadLetters(sink string) []streams.DeadLetter
	Resend(sink string, pos uint64) error
	ResendTo(sink string, pos uint64, to string) error
	Drop(sink string, pos uint64) error
}

// letterRoutes are the paths about sinks and what they could not deliver.
func (h *httpListener) letterRoutes(mux *http.ServeMux) {
	box, ok := h.server.opts.Sinks.(letterbox)
	if !ok {
		return
	}
	mux.HandleFunc("GET /api/v1/sinks", func(w http.ResponseWriter, _ *http.Request) {
		all := box.Status()
		if all == nil {
			all = []streams.SinkStatus{}
		}
		writeJSON(w, http.StatusOK, map[string]any{"sinks": all})
	})
	mux.HandleFunc("GET /api/v1/dead", func(w http.ResponseWriter, r *http.Request) {
		id, err := sinkID(box, r.URL.Query().Get("sink"))
		if err != nil {
			writeError(w, http.StatusNotFound, err)
			return
		}
		dead := []letter{}
		for _, l := range box.DeadLetters(id) {
			dead = append(dead, letterOf(l))
		}
		writeJSON(w, http.StatusOK, map[string]any{"sink": id, "dead": dead})
	})
	mux.HandleFunc("POST /api/v1/dead/resend", h.owners(func(w http.ResponseWriter, r *http.Request) {
		resend := box.Resend
		if name := r.URL.Query().Get("to"); name != "" {
			to, err := sinkID(box, name)
			if err != nil {
				writeError(w, http.StatusNotFound, err)
				return
			}
			resend = func(sink string, pos uint64) error { return box.ResendTo(sink, pos, to) }
		}
		letters(box, resend)(w, r)
	}))
	mux.HandleFunc("POST /api/v1/dead/drop", h.owners(letters(box, box.Drop)))
}

// letters does something to the dead letters ?sink=NAME&pos=N (repeated), or to all of them with &all=true, and
// answers to how many.
func letters(box letterbox, do func(sink string, pos uint64) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		id, err := sinkID(box, q.Get("sink"))
		if err != nil {
			writeError(w, http.StatusNotFound, err)
			return
		}
		var positions []uint64
		for _, text := range q["pos"] {
			pos, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				writeError(w, http.StatusBadRequest, fmt.Errorf("pos %q: want the number of a dead letter", text))
				return
			}
			positions = append(positions, pos)
		}
		if q.Get("all") == "true" {
			for _, l := range box.DeadLetters(id) {
				positions = append(positions, l.Pos)
			}
		} else if len(positions) == 0 {
			writeError(w, http.StatusBadRequest, errors.New("want ?sink=SINK&pos=N or ?sink=SINK&all=true"))
			return
		}
		done := 0
		for _, pos := range positions {
			if err := do(id, pos); err != nil {
				writeError(w, http.StatusConflict, fmt.Errorf("dead letter %d of %s, after %d others: %w", pos, id, done, err))
				return
			}
			done++
		}
		writeJSON(w, http.StatusOK, map[string]int{"count": done})
	}
}

// sinkID finds a sink by its id, or by its name if only one has it.
func sinkID(box letterbox, name string) (string, error) {
	found, known := []string{}, []string{}
	for _, s := range box.Status() {
		if s.ID == name {
			return name, nil
		}
		if s.Name == name {
			found = append(found, s.ID)
		}
		known = append(known, s.ID)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("several sinks are called %q: say which of %q", name, found)
	}
	return "", fmt.Errorf("there is no sink %q; the sinks are %q", name, known)
}

// letter is a dead letter in JSON.
type letter struct {
	Pos    uint64            `json:"pos"`
	At     time.Time         `json:"at"`
	Rule   string            `json:"rule"` // file:line:col of the sink
	Error  string            `json:"error"`
	Events []json.RawMessage `json:"events"`
}

func letterOf(l streams.DeadLetter) letter {
	b := letter{Pos: l.Pos, At: l.At.UTC(), Rule: l.Alert.Pos, Error: l.Err, Events: []json.RawMessage{}}
	for i := range l.Alert.Events {
		b.Events = append(b.Events, event.AppendJSON(nil, &l.Alert.Events[i]))
	}
	return b
}
