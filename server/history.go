package server

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"sync"
	"time"

	"zeta/event"
	"zeta/index"
)

// history keeps the recent past of the index for charts: every historyStep it looks at each series and notes
// metric and state. It reads the index as a query does and never touches the engine. Older than
// historyPoints steps is forgotten, and so is a series that was gone for all of them, or that is gone while
// others have no place. Series beyond the limit are not kept; known ones go on.
type history struct {
	index *index.Index
	limit int // series

	mu      sync.Mutex
	round   int64 // number of the last look, from 1
	at      int64 // time of the last look, seconds since the epoch
	series  map[seriesKey]*track
	states  []string // states by number; 0 is "no state"
	numbers map[string]uint8
	refused uint64 // series not kept at the last look
}

const (
	historyStep   = 5 * time.Second
	historyPoints = 360 // half an hour
	historySeries = 10_000
	historyStates = 255 // different states; more are all shown as the last number, "other"
)

// seriesKey is the identity of a series.
type seriesKey struct {
	host, service string
	has           event.Presence
}

// track is the past of one series: point i belongs to round first+i. The slices grow to historyPoints and
// are shifted by then.
type track struct {
	first   int64
	last    int64 // round of the last point
	metrics []float64
	states  []uint8 // 0: no event in the index; 1: no state
}

func newHistory(x *index.Index, limit int) *history {
	return &history{
		index:   x,
		limit:   limit,
		series:  map[seriesKey]*track{},
		states:  []string{"", ""},
		numbers: map[string]uint8{},
	}
}

// run looks every historyStep until ctx is done.
func (h *history) run(ctx context.Context) {
	t := time.NewTicker(historyStep)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			h.look()
		}
	}
}

// look notes the present of every series.
func (h *history) look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.round++
	h.at = time.Now().Unix()
	h.refused = 0
	known := 0
	h.index.Each(func(e *event.Event) bool {
		key := seriesKey{e.Host, e.Service, e.Has & (event.HasHost | event.HasService)}
		t := h.series[key]
		if t == nil {
			if len(h.series) >= h.limit {
				h.refused = uint64(max(h.index.Len()-h.limit, 1))
				return known < len(h.series) // when all that have a place are done, the rest is not looked at
			}
			t = &track{first: h.round}
			h.series[key] = t
		}
		m, ok := e.Metric()
		if !ok || math.IsInf(m, 0) {
			m = math.NaN()
		}
		t.add(h.round, m, h.state(e))
		known++
		return true
	})
	for key, t := range h.series {
		if h.round-t.last >= historyPoints || h.refused > 0 && t.last < h.round {
			delete(h.series, key)
		}
	}
}

// state returns the number of an event's state.
func (h *history) state(e *event.Event) uint8 {
	if e.Has&event.HasState == 0 {
		return 1
	}
	n, ok := h.numbers[e.State]
	if !ok {
		if len(h.states) > historyStates {
			return historyStates
		}
		n = uint8(len(h.states))
		text := e.State
		if n == historyStates {
			text = "other"
		}
		h.states = append(h.states, text)
		h.numbers[e.State] = n
	}
	return n
}

// add notes a point of the given round; rounds without one become gaps.
func (t *track) add(round int64, metric float64, state uint8) {
	if gap := round - t.first - int64(len(t.metrics)); gap >= historyPoints {
		t.first, t.metrics, t.states = round, t.metrics[:0], t.states[:0]
	} else {
		for range gap {
			t.put(math.NaN(), 0)
		}
	}
	t.put(metric, state)
	t.last = round
}

func (t *track) put(metric float64, state uint8) {
	if len(t.metrics) == historyPoints {
		copy(t.metrics, t.metrics[1:])
		copy(t.states, t.states[1:])
		t.metrics, t.states = t.metrics[:historyPoints-1], t.states[:historyPoints-1]
		t.first++
	}
	t.metrics = append(t.metrics, metric)
	t.states = append(t.states, state)
}

// appendJSON appends the history of one series: columns of equal length, oldest first, null for no metric and
// no event. An unknown series has empty columns.
func (h *history) appendJSON(dst []byte, host, service string, has event.Presence) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	dst = append(dst, `{"host":`...)
	dst = appendOptional(dst, host, has&event.HasHost != 0)
	dst = append(dst, `,"service":`...)
	dst = appendOptional(dst, service, has&event.HasService != 0)
	dst = append(dst, `,"step":`...)
	dst = appendInt(dst, int64(historyStep/time.Second))
	t := h.series[seriesKey{host, service, has}]
	if t == nil {
		return append(dst, `,"times":[],"metrics":[],"states":[]}`...)
	}
	skip := max(0, h.round-historyPoints-t.first+1) // points that are too old by now
	points := int64(len(t.metrics))
	from := min(skip, points)
	dst = append(dst, `,"times":[`...)
	for i := from; i < points; i++ {
		dst = comma(dst, i > from)
		dst = appendInt(dst, h.at-(h.round-t.first-i)*int64(historyStep/time.Second))
	}
	dst = append(dst, `],"metrics":[`...)
	for i := from; i < points; i++ {
		dst = comma(dst, i > from)
		if m := t.metrics[i]; math.IsNaN(m) {
			dst = append(dst, "null"...)
		} else {
			dst = strconv.AppendFloat(dst, m, 'g', -1, 64)
		}
	}
	dst = append(dst, `],"states":[`...)
	for i := from; i < points; i++ {
		dst = comma(dst, i > from)
		n := t.states[i]
		dst = appendOptional(dst, h.states[n], n > 1)
	}
	return append(dst, "]}"...)
}

// sizes returns how many series are kept and how many were not at the last look.
func (h *history) sizes() (kept int, refused uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.series), h.refused
}

func comma(dst []byte, yes bool) []byte {
	if yes {
		return append(dst, ',')
	}
	return dst
}

// appendOptional appends s as JSON, null if there is none.
func appendOptional(dst []byte, s string, has bool) []byte {
	if !has {
		return append(dst, "null"...)
	}
	b, err := json.Marshal(s)
	if err != nil {
		return append(dst, "null"...)
	}
	return append(dst, b...)
}
