package server

import "time"

// stamper makes arrival stamps: microseconds since the epoch that never go back. The machine's wall clock is
// read once, at the start; from then on the monotonic clock counts, so that a step of the wall clock expires
// nothing and no timer jumps. It belongs to the engine's lock.
type stamper struct {
	start time.Time // with its monotonic reading
	wall  int64     // start, in microseconds
	last  int64
}

func newStamper() stamper {
	now := time.Now()
	return stamper{start: now, wall: now.UnixMicro(), last: now.UnixMicro()}
}

// elapsed returns the time since the start. It needs no lock.
func (s *stamper) elapsed() time.Duration { return time.Since(s.start) }

// at returns the stamp of a moment: max(last stamp, start + elapsed).
func (s *stamper) at(elapsed time.Duration) int64 {
	if t := s.wall + elapsed.Microseconds(); t > s.last {
		s.last = t
	}
	return s.last
}

// from goes on from a stamp, which may be later than the wall clock, if that has been set back: time must not stand
// still until it is there again.
func (s *stamper) from(stamp int64) {
	s.last = stamp
	s.wall = stamp - s.elapsed().Microseconds()
}

// next returns the present stamp.
func (s *stamper) next() int64 { return s.at(s.elapsed()) }
