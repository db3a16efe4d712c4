package streams

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"

	"zeta/event"
)

// samples are copies of the events of one interval, each with a metric, in chunks. What an interval needed is
// kept for the next one, so that a steady stream makes no garbage. The zero value is empty.
type samples struct {
	chunks [][]event.Event // all but the first have room for sampleChunk events; those behind the last one used are empty
	n      int
	bytes  int // that the events hold on to
}

const sampleChunk = 256

// full reports whether there is no room for another event: limit events are held, or too many bytes.
func (s *samples) full(limit int) bool { return s.n >= limit || s.bytes >= maxHeldBytes }

func (s *samples) len() int { return s.n }

// at returns the i-th event, in order of arrival.
func (s *samples) at(i int) *event.Event { return &s.chunks[i/sampleChunk][i%sampleChunk] }

func (s *samples) add(e *event.Event) {
	i := s.n / sampleChunk
	if i == len(s.chunks) {
		var chunk []event.Event // the first one grows: most instances need little
		if i > 0 {
			chunk = make([]event.Event, 0, sampleChunk)
		}
		s.chunks = append(s.chunks, chunk)
	}
	s.chunks[i] = append(s.chunks[i], *e)
	s.n++
	s.bytes += sizeOf(e)
}

// replace puts a copy of e in the place of the i-th event.
func (s *samples) replace(i int, e *event.Event) {
	old := s.at(i)
	s.bytes += sizeOf(e) - sizeOf(old)
	*old = *e
}

// clear removes everything, and what the interval did not need.
func (s *samples) clear() {
	used := (s.n + sampleChunk - 1) / sampleChunk
	clear(s.chunks[used:])
	s.chunks = s.chunks[:used]
	for i, c := range s.chunks {
		clear(c)
		s.chunks[i] = c[:0]
	}
	s.n, s.bytes = 0, 0
}

func (s *samples) save(to *Saver) {
	to.Uint(uint64(s.n))
	for i := range s.n {
		to.Event(s.at(i))
	}
}

func (s *samples) load(l *Loader) {
	for range l.Len() {
		if e := l.Event(); e != nil {
			s.add(e)
		}
	}
}

// rank is the metric of the event with this number.
type rank struct {
	metric number
	event  int
}

// compare orders by metric, equal ones by arrival.
func (r rank) compare(o rank) int {
	if c := r.metric.compare(o.metric); c != 0 {
		return c
	}
	return cmp.Compare(r.event, o.event)
}

var ranksPool = sync.Pool{New: func() any { return new([]rank) }}

// ranks returns the metrics, in order of arrival; give them back with ranksPool.Put.
func (s *samples) ranks() *[]rank {
	all := ranksPool.Get().(*[]rank)
	*all = (*all)[:0]
	for i := range s.n {
		if m, ok := metricOf(s.at(i)); ok {
			*all = append(*all, rank{m, i})
		}
	}
	return all
}

// selectRank moves the rank that sorting would put at index i there and returns it. It takes time in proportion
// to the length, also when somebody chose the metrics to prevent that.
func selectRank(all []rank, i int) rank {
	from, to := 0, len(all)
	for rounds := 2 * bits.Len(uint(len(all))); to-from > 16; rounds-- {
		if rounds == 0 {
			break
		}
		// The middle of three, so that sorted metrics are no bad case.
		a, b, c := all[from], all[from+(to-from)/2], all[to-1]
		if a.compare(b) > 0 {
			a, b = b, a
		}
		if b.compare(c) > 0 {
			if b = c; a.compare(b) > 0 {
				b = a
			}
		}
		// Everything below b goes before everything above; no two ranks are equal.
		l, r := from, to-1
		for l <= r {
			for all[l].compare(b) < 0 {
				l++
			}
			for all[r].compare(b) > 0 {
				r--
			}
			if l <= r {
				all[l], all[r] = all[r], all[l]
				l++
				r--
			}
		}
		switch {
		case i <= r:
			to = r + 1
		case i >= l:
			from = l
		default:
			return all[i]
		}
	}
	slices.SortFunc(all[from:to], rank.compare)
	return all[i]
}
