package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"zeta/journal"
	"zeta/streams"
)

// silenceRecord is a change of silences as the journal has it: one of the two.
type silenceRecord struct {
	Put *Silence `json:"put,omitempty"`
	End string   `json:"end,omitempty"`
}

// errNoSilence says that there is no silence of that id.
var errNoSilence = errors.New("there is no such silence; zeta silence list names them")

// Silence begins a silence that lasts so long, sets its ID, From and Until, and returns when the disk has it.
func (e *Engine) Silence(ctx context.Context, v Silence, lasts time.Duration) (Silence, error) {
	var id [4]byte
	rand.Read(id[:])
	v.ID, v.Held, v.Waiting = hex.EncodeToString(id[:]), 0, 0
	err := e.changeSilences(ctx, func(now int64) (silenceRecord, error) {
		v.From = time.UnixMicro(now).UTC()
		v.Until = v.From.Add(lasts)
		return silenceRecord{Put: &v}, e.silences.put(v)
	})
	return v, err
}

// EndSilence ends a silence, sends what it held, and returns the silence as it was when the disk has it.
func (e *Engine) EndSilence(ctx context.Context, id string) (was Silence, err error) {
	err = e.changeSilences(ctx, func(int64) (silenceRecord, error) {
		i := slices.IndexFunc(e.silences.all, func(v *Silence) bool { return v.ID == id })
		if i < 0 {
			return silenceRecord{}, fmt.Errorf("%q: %w", id, errNoSilence)
		}
		was = *e.silences.all[i]
		e.silences.end(id)
		return silenceRecord{End: id}, nil
	})
	return was, err
}

// changeSilences makes a change between two batches and records it.
func (e *Engine) changeSilences(ctx context.Context, change func(now int64) (silenceRecord, error)) error {
	p, err := e.betweenBatches(func(now int64) (p position, err error) {
		r, err := change(now)
		if err != nil || e.journal == nil {
			return p, err
		}
		body, err := json.Marshal(r)
		if err == nil {
			p.record, err = e.journal.Append(journal.KindSilence, now, body)
		}
		return p, err
	})
	if err != nil {
		return err
	}
	return e.await(ctx, p, AckDurable)
}

// betweenBatches runs f under the lock, the clock standing at the present moment.
func (e *Engine) betweenBatches(f func(now int64) (position, error)) (position, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.stamp.next()
	e.advance(now)
	p, err := f(now)
	e.hub.Flush()
	e.arm()
	if ticket, refused := e.settle(); ticket != 0 || refused != nil {
		p.ticket = max(p.ticket, ticket)
		if err == nil {
			err = refused
		}
	}
	return p, err
}

// replaySilence makes a recorded change again.
func (e *Engine) replaySilence(now int64, body []byte) error {
	var r silenceRecord
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	e.advance(now)
	if r.Put != nil {
		return e.silences.put(*r.Put)
	}
	e.silences.end(r.End)
	return nil
}

// Silences returns those in force.
func (e *Engine) Silences() []Silence {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.silences.list()
}

const silencesVersion = 1

// save writes the silences and what they hold.
func (s *silences) save() []byte {
	var out streams.Saver
	out.Uint(silencesVersion)
	out.Uint(uint64(len(s.all)))
	for _, v := range s.all {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // times and strings only
		}
		out.String(string(text))
	}
	held := make([]*heldAlert, 0, len(s.held))
	for _, h := range s.held {
		held = append(held, h)
	}
	slices.SortFunc(held, func(a, b *heldAlert) int { return int(int64(a.nth - b.nth)) })
	out.Uint(uint64(len(held)))
	for _, h := range held {
		out.String(h.silence.ID)
		out.String(h.alert.Sink.ID)
		out.String(h.alert.Sink.Name)
		out.String(string(streams.EncodeAlert(h.alert)))
	}
	return out.Bytes()
}

// load takes up what save wrote. Alerts go to sinks by their ids; the rules need not be there yet.
func (s *silences) load(b []byte) error {
	l := streams.NewLoader(b)
	if v := l.Uint(); v != silencesVersion {
		return fmt.Errorf("version %d, this program reads %d", v, silencesVersion)
	}
	byID := map[string]*Silence{}
	for range l.Len() {
		v := &Silence{}
		if err := json.Unmarshal([]byte(l.String()), v); err != nil {
			return err
		}
		if err := v.compile(); err != nil {
			return err
		}
		v.Waiting = 0
		s.all = append(s.all, v)
		byID[v.ID] = v
	}
	for range l.Len() {
		by := byID[l.String()]
		sink := &streams.Sink{ID: l.String(), Name: l.String(), Delivery: streams.AlertDelivery}
		a, err := streams.DecodeAlert([]byte(l.String()))
		if err != nil {
			return err
		}
		if a.Sink = sink; by != nil {
			s.hold(a, by)
		}
	}
	s.arm()
	return l.Err()
}
