package streams

import (
	"encoding/binary"
	"errors"
	"math"

	"zeta/event"
)

// Stateful is implemented by a node that remembers something between two values: its state survives
// reload and restart. Save and Load mirror each other call by call. Load is called on a fresh node,
// before its first Push, with the clock already standing at the saved time; timers the constructor
// armed are replaced by the saved ones.
type Stateful interface {
	Save(s *Saver)
	Load(l *Loader)
}

// Saver writes the state of nodes.
type Saver struct{ buf []byte }

// Bytes returns what has been written; it is owned by the Saver until the Saver is dropped.
func (s *Saver) Bytes() []byte { return s.buf }

// Reset forgets what has been written and keeps the room for more.
func (s *Saver) Reset() { s.buf = s.buf[:0] }

// Grow makes room for n more bytes, so that no copy is made on the way there.
func (s *Saver) Grow(n int) {
	if cap(s.buf)-len(s.buf) < n { // not slices.Grow, which allocates twice as much under the race detector
		s.buf = append(make([]byte, 0, len(s.buf)+n), s.buf...)
	}
	for b := s.buf[len(s.buf):cap(s.buf)]; len(b) > 0; b = b[min(len(b), 4096):] {
		b[0] = 0 // the system hands out a page when it is first touched, which is to be now
	}
}

func (s *Saver) Uint(v uint64) { s.buf = binary.AppendUvarint(s.buf, v) }
func (s *Saver) Int(v int64)   { s.buf = binary.AppendVarint(s.buf, v) }
func (s *Saver) Float(v float64) {
	s.buf = binary.LittleEndian.AppendUint64(s.buf, math.Float64bits(v))
}

func (s *Saver) Bool(v bool) {
	if v {
		s.buf = append(s.buf, 1)
	} else {
		s.buf = append(s.buf, 0)
	}
}

func (s *Saver) String(v string) {
	s.Uint(uint64(len(v)))
	s.buf = append(s.buf, v...)
}

// Timer writes whether t is pending, when it is due and its place among timers of one due time.
func (s *Saver) Timer(t *Timer) {
	due, pending := t.Pending()
	if !pending {
		due = 0 // equal states are equal bytes
	}
	s.Bool(pending)
	s.Int(due)
	s.Uint(t.seq)
}

// Event writes e, which may be nil.
func (s *Saver) Event(e *event.Event) {
	if e == nil {
		s.Uint(0)
		return
	}
	s.Uint(1 + uint64(e.Has))
	s.Bool(e.Own)
	for _, f := range [...]struct {
		bit event.Presence
		s   string
	}{{event.HasHost, e.Host}, {event.HasService, e.Service}, {event.HasState, e.State}, {event.HasDescription, e.Description}} {
		if e.Has&f.bit != 0 {
			s.String(f.s)
		}
	}
	if e.Has&event.HasTime != 0 {
		s.Int(e.Time)
	}
	if e.Has&event.HasTTL != 0 {
		s.Float(e.TTL)
	}
	if e.Has&event.HasInt != 0 {
		s.Int(e.Int)
	}
	if e.Has&event.HasFloat != 0 {
		s.Float(e.Float)
	}
	s.Bool(e.Set != nil)
	if e.Set == nil {
		return
	}
	s.Bool(e.Set.Tags != nil)
	s.Uint(uint64(len(e.Set.Tags)))
	for _, t := range e.Set.Tags {
		s.String(t)
	}
	s.Uint(uint64(len(e.Set.Attrs)))
	for _, a := range e.Set.Attrs {
		s.String(a.Key)
		s.String(a.Value)
	}
}

// Value writes v.
func (s *Saver) Value(v Value) {
	s.Bool(v.IsWindow())
	if !v.IsWindow() {
		s.Event(v.Event)
		return
	}
	s.Uint(uint64(len(v.Window)))
	for _, e := range v.Window {
		s.Event(e)
	}
}

// Loader reads what a Saver wrote. Its first error sticks: later reads return zero values, and Err tells.
type Loader struct {
	buf []byte
	err error
}

// NewLoader returns a Loader of b.
func NewLoader(b []byte) *Loader { return &Loader{buf: b} }

// Err returns the first error.
func (l *Loader) Err() error { return l.err }

// Fail makes err the Loader's error, unless it has one.
func (l *Loader) Fail(err error) {
	if l.err == nil {
		l.err = err
	}
	l.buf = nil
}

var errStateShort = errors.New("state ends too early")

func (l *Loader) Uint() uint64 {
	v, n := binary.Uvarint(l.buf)
	if n <= 0 {
		l.Fail(errStateShort)
		return 0
	}
	l.buf = l.buf[n:]
	return v
}

func (l *Loader) Int() int64 {
	v, n := binary.Varint(l.buf)
	if n <= 0 {
		l.Fail(errStateShort)
		return 0
	}
	l.buf = l.buf[n:]
	return v
}

func (l *Loader) take(n int) []byte {
	if n < 0 || n > len(l.buf) {
		l.Fail(errStateShort)
		return nil
	}
	b := l.buf[:n]
	l.buf = l.buf[n:]
	return b
}

func (l *Loader) Float() float64 {
	b := l.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (l *Loader) Bool() bool {
	b := l.take(1)
	return b != nil && b[0] != 0
}

// Len reads a count of things that take at least one byte each; it fails rather than return more than are left.
func (l *Loader) Len() int {
	n := l.Uint()
	if n > uint64(len(l.buf)) {
		l.Fail(errStateShort)
		return 0
	}
	return int(n)
}

func (l *Loader) String() string { return string(l.take(l.Len())) }

// Timer restores t as it was saved.
func (l *Loader) Timer(t *Timer) {
	pending, due, seq := l.Bool(), l.Int(), l.Uint()
	t.Stop()
	if l.err != nil {
		return
	}
	t.seq = seq
	t.clock.seq = max(t.clock.seq, seq)
	if pending {
		t.At(due)
	}
}

// Event reads an event; nil if nil was written.
func (l *Loader) Event() *event.Event {
	has := l.Uint()
	if has == 0 || l.err != nil {
		return nil
	}
	e := &event.Event{Has: event.Presence(has - 1)}
	e.Own = l.Bool()
	if e.Has&event.HasHost != 0 {
		e.Host = l.String()
	}
	if e.Has&event.HasService != 0 {
		e.Service = l.String()
	}
	if e.Has&event.HasState != 0 {
		e.State = l.String()
	}
	if e.Has&event.HasDescription != 0 {
		e.Description = l.String()
	}
	if e.Has&event.HasTime != 0 {
		e.Time = l.Int()
	}
	if e.Has&event.HasTTL != 0 {
		e.TTL = l.Float()
	}
	if e.Has&event.HasInt != 0 {
		e.Int = l.Int()
	}
	if e.Has&event.HasFloat != 0 {
		e.Float = l.Float()
	}
	if !l.Bool() {
		return e
	}
	set := &event.Set{}
	hasTags := l.Bool()
	if n := l.Len(); hasTags {
		set.Tags = make([]string, n)
		for i := range set.Tags {
			set.Tags[i] = l.String()
		}
	}
	if n := l.Len(); n > 0 {
		set.Attrs = make([]event.Attr, n)
		for i := range set.Attrs {
			set.Attrs[i] = event.Attr{Key: l.String(), Value: l.String()}
		}
	}
	e.Set = set
	return e
}

// Value reads a value.
func (l *Loader) Value() Value {
	if !l.Bool() {
		return Value{Event: l.Event()}
	}
	w := make([]*event.Event, l.Len())
	for i := range w {
		w[i] = l.Event()
	}
	return Value{Window: w}
}
