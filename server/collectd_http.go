package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"zeta/collectd"
	"zeta/event"
	"zeta/internal/jsonparts"
)

// collectdBodies reads the bodies of write_http; the mapper is common to all of a listener's requests, as a
// counter's next reading comes with another one.
type collectdBodies struct {
	types collectd.Types
	rates bool

	mu     sync.Mutex
	mapper *collectd.Mapper
}

// collectdBody is the reading of one body: items go into the rules some at a time.
type collectdBody struct {
	*collectdBodies
	ingest func([]event.Event) error
	most   int   // events
	full   error // what could not be remembered, if anything

	batch  []event.Event
	events int   // taken
	taken  int   // items
	bad    int   // items left out
	first  error // what was wrong with the first of them
	kind   string
}

// collectd takes one request.
func (d *bodyDoor) collectd(w http.ResponseWriter, r *http.Request, m *collectdBodies) error {
	if err := d.enter(r.Context()); err != nil {
		return err
	}
	defer d.leave()
	text, err := d.body(w, r)
	if err != nil {
		return err
	}
	b := &collectdBody{collectdBodies: m, most: d.opts.MaxEvents, ingest: d.taker(r)}
	err = b.read(text)
	if b.full != nil {
		d.server.refusals.refuse(d.kind, "rates", r.RemoteAddr, b.full)
	}
	return err
}

// read takes the items of a body: an array of JSON, or lines of commands.
func (b *collectdBody) read(text []byte) (err error) {
	switch trimmed := bytes.TrimSpace(text); {
	case len(trimmed) > 0 && (trimmed[0] == '[' || trimmed[0] == '{'):
		if b.kind = "item"; !json.Valid(text) {
			return refuseRequest(http.StatusBadRequest, "decode", "the body is not valid JSON; want an array of value lists")
		}
		if trimmed[0] == '{' {
			err = b.item(0, trimmed)
		} else {
			err = jsonparts.Items(text, b.item)
		}
	default:
		b.kind = "line"
		n := 0
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				if err = b.line(n, line); err != nil {
					break
				}
			}
			n++
		}
	}
	if err == nil {
		err = b.flush()
	}
	if err != nil || b.bad == 0 {
		return err
	}
	others := ""
	if b.bad > 1 {
		others = fmt.Sprintf("; and %d more", b.bad-1)
	}
	return refuseRequest(http.StatusBadRequest, "decode", "%w%s; the other %d were taken", b.first, others, b.taken)
}

// item reads a value list or a notification.
func (b *collectdBody) item(i int, text []byte) error {
	if collectd.IsNotification(text) {
		var n collectd.Notification
		err := n.ParseJSON(text, b.types)
		return b.add(i, err, func() { b.batch = b.mapper.AppendNotification(b.batch, &n) })
	}
	var l collectd.ValueList
	return b.add(i, l.ParseJSON(text, b.rates), func() { b.values(&l) })
}

func (b *collectdBody) line(i int, line string) error {
	var l collectd.ValueList
	return b.add(i, l.ParseCommand(line, b.types, b.rates), func() { b.values(&l) })
}

func (b *collectdBody) values(l *collectd.ValueList) {
	full := b.mapper.Full
	b.batch = b.mapper.AppendValues(b.batch, l, time.Now().UnixMicro())
	if b.mapper.Full > full {
		b.full = errTooManyRates
	}
}

var errTooManyRates = errors.New("more counters than maxRates; theirs are not turned into rates")

// add appends the events of an item that could be read, or counts one that could not.
func (b *collectdBody) add(i int, err error, appendEvents func()) error {
	if err != nil {
		if b.bad++; b.first == nil {
			b.first = fmt.Errorf("%s %d: %w", b.kind, i, err)
		}
		return nil
	}
	b.mu.Lock()
	appendEvents()
	b.mu.Unlock()
	if b.taken++; len(b.batch) >= eventsPerRun {
		return b.flush()
	}
	return nil
}

func (b *collectdBody) flush() error {
	if len(b.batch) == 0 {
		return nil
	}
	fit := min(len(b.batch), b.most-b.events)
	over := fit < len(b.batch)
	err := b.ingest(b.batch[:fit])
	b.events += fit
	clear(b.batch)
	b.batch = b.batch[:0]
	if err == nil && over {
		err = refuseRequest(http.StatusRequestEntityTooLarge, "limit", "the request has more than %d events; the first %d were taken; send less in one, or raise maxEvents", b.most, b.events)
	}
	return err
}
