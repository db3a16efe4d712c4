package server

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"zeta/event"
	"zeta/lines"
)

// influxUnits1 are the nanoseconds in each unit of time of InfluxDB 1.
var influxUnits1 = map[string]int64{"": 1, "n": 1, "ns": 1, "u": 1e3, "µ": 1e3, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}

// influxWrite is the reading of one body: events go into the rules some at a time, so that what is held of it is
// little more than the body.
type influxWrite struct {
	ingest func([]event.Event) error
	most   int // events
	parser lines.Influx
	peer   string
	ttl    float64
	batch  []event.Event

	line    int   // of the body, from 1
	taken   int   // events
	dropped int   // lines
	first   error // what was wrong with the first of them
	at      int   // its number
}

// influx answers a write. 204 says that all has been taken.
func (d *bodyDoor) influx(w http.ResponseWriter, r *http.Request, units map[string]int64, ttl float64) {
	m := &influxWrite{ingest: d.taker(r), most: d.opts.MaxEvents, peer: d.peer(r), ttl: ttl}
	if err := d.influxBody(w, r, m, units); err != nil {
		d.influxError(w, r, m, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *bodyDoor) influxBody(w http.ResponseWriter, r *http.Request, m *influxWrite, units map[string]int64) error {
	precision := r.URL.Query().Get("precision")
	unit, known := units[precision]
	if !known && precision != "" {
		return refuseRequest(http.StatusBadRequest, "time", "invalid precision %.20q; want ns, us, ms or s, for 1.x also m or h", precision)
	}
	m.parser.Precision = unit
	if err := d.enter(r.Context()); err != nil {
		return err
	}
	defer d.leave()
	body, err := d.body(w, r)
	if err != nil {
		return err
	}
	return m.read(body)
}

// read takes the lines of a body. A line that cannot be read is left out; the error tells of the first.
func (m *influxWrite) read(body []byte) error {
	for m.line = 1; len(body) > 0; {
		var line []byte
		line, body = lines.NextInflux(body)
		if err := m.take(line); err != nil {
			return err
		}
		m.line += 1 + bytes.Count(line, []byte{'\n'})
	}
	if err := m.flush(); err != nil {
		return err
	}
	if m.first == nil {
		return nil
	}
	reason := "decode"
	if e := (*lines.Error)(nil); errors.As(m.first, &e) {
		reason = e.Reason
	}
	others := ""
	if m.dropped > 1 {
		others = fmt.Sprintf(" and %d more", m.dropped-1)
	}
	return refuseRequest(http.StatusBadRequest, reason, "partial write: unable to parse line %d%s: %w; events taken: %d", m.at, others, m.first, m.taken)
}

// take reads one line into the batch.
func (m *influxWrite) take(line []byte) error {
	had := len(m.batch)
	var err error
	m.batch, err = m.parser.Parse(m.batch, line, m.peer)
	if over := m.taken + len(m.batch) - m.most; err == nil && over > 0 {
		m.batch = m.batch[:had]
		err = &lines.Error{Reason: "limit", Text: fmt.Sprintf("more than %d events in a request; send less in one, or raise maxEvents", m.most)}
	}
	if err != nil {
		if m.dropped++; m.first == nil {
			m.first, m.at = influxPlace(err), m.line
		}
		return nil
	}
	if m.ttl > 0 {
		for i := had; i < len(m.batch); i++ {
			m.batch[i].SetTTL(m.ttl)
		}
	}
	if len(m.batch) >= eventsPerRun {
		return m.flush()
	}
	return nil
}

func influxPlace(err error) error {
	if e := (*lines.Error)(nil); errors.As(err, &e) && e.Column > 0 {
		return fmt.Errorf("column %d: %w", e.Column, err)
	}
	return err
}

func (m *influxWrite) flush() error {
	if len(m.batch) == 0 {
		return nil
	}
	if err := m.ingest(m.batch); err != nil {
		return err
	}
	m.taken += len(m.batch)
	clear(m.batch)
	m.batch = m.batch[:0]
	return nil
}

// influxCodes are 2.x's words for statuses.
var influxCodes = map[int]string{
	http.StatusBadRequest: "invalid", http.StatusRequestEntityTooLarge: "request too large", http.StatusUnsupportedMediaType: "invalid",
	http.StatusRequestTimeout: "unavailable", http.StatusServiceUnavailable: "unavailable", http.StatusTooManyRequests: "too many requests",
}

// influxError answers what is wrong in the forms of 1.x and 2.x at once.
func (d *bodyDoor) influxError(w http.ResponseWriter, r *http.Request, m *influxWrite, err error) {
	status := d.refused(r, err)
	code := influxCodes[status]
	if code == "" {
		code = "internal error"
	}
	text := err.Error()
	w.Header().Set("X-Influxdb-Error", strings.Map(printable, text))
	writeJSON(w, status, struct {
		Error   string `json:"error"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Line    int    `json:"line,omitempty"`
	}{text, code, text, m.at})
}

// printable leaves out what a header cannot hold.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

// influxQuery answers the one query that senders of 1.x begin with; there are no databases here.
func (d *bodyDoor) influxQuery(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, int64(d.opts.MaxBody))
	if q := strings.ToUpper(strings.TrimSpace(r.FormValue("q"))); !strings.HasPrefix(q, "CREATE DATABASE ") {
		d.influxError(w, r, &influxWrite{}, refuseRequest(http.StatusBadRequest, "query", "no InfluxQL is spoken here but CREATE DATABASE, which does nothing; ask the index with zeta query"))
		return
	}
	writeBody(w, http.StatusOK, []byte(`{"results":[{"statement_id":0}]}`))
}
