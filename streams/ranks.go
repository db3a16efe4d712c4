package streams

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sync"
)

// rank stands for a sample: keys order as the metrics do, equal ones by arrival.
type rank struct {
	key    uint64
	sample uint32
}

func (r rank) compare(o rank) int {
	if r.key != o.key {
		return cmp.Compare(r.key, o.key)
	}
	return cmp.Compare(r.sample, o.sample)
}

func (r rank) less(o rank) bool { return r.key < o.key || r.key == o.key && r.sample < o.sample }

var ranksPool = sync.Pool{New: func() any { return new([]rank) }}

// ranks returns the ranks of all samples, in order of arrival; give them back with ranksPool.Put.
func (s *samples) ranks() *[]rank {
	all := ranksPool.Get().(*[]rank)
	*all = (*all)[:0]
	floats := 0
	for _, chunk := range s.chunks {
		for i := range chunk {
			key := intKey(int64(chunk[i].metric))
			if chunk[i].float {
				key = floatKey(math.Float64frombits(chunk[i].metric))
				floats++
			}
			*all = append(*all, rank{key, uint32(len(*all))})
		}
	}
	if floats != 0 && floats != len(*all) {
		s.rankMixed(*all)
	}
	return all
}

const signBit = 1 << 63

// intKey maps numbers to keys of the same order.
func intKey(i int64) uint64 { return uint64(i) ^ signBit }

// floatKey is intKey for floats other than NaN; 0 and -0 are equal.
func floatKey(f float64) uint64 {
	switch b := math.Float64bits(f); {
	case f == 0:
		return signBit
	case b&signBit != 0:
		return ^b
	default:
		return b | signBit
	}
}

// rankMixed makes keys for int64s and float64s side by side, which only their exact comparison orders: equal
// metrics get equal keys.
func (s *samples) rankMixed(all []rank) {
	order := slices.Clone(all)
	slices.SortFunc(order, func(a, b rank) int {
		return s.at(int(a.sample)).number().compare(s.at(int(b.sample)).number())
	})
	var key uint64
	for i, r := range order {
		if i > 0 && s.at(int(order[i-1].sample)).number().compare(s.at(int(r.sample)).number()) < 0 {
			key++
		}
		all[r.sample].key = key
	}
}

// selectRank moves the rank that sorting would put at index i there and returns it; none before it is greater and none
// behind it less. It takes time in proportion to the length, also when somebody chose the metrics to prevent that.
func selectRank(all []rank, i int) rank {
	from, to := 0, len(all)
	for rounds := 2 * bits.Len(uint(len(all))); to-from > 16; rounds-- {
		if rounds == 0 {
			break
		}
		// The middle of three, so that sorted metrics are no bad case.
		a, b, c := all[from], all[from+(to-from)/2], all[to-1]
		if b.less(a) {
			a, b = b, a
		}
		if c.less(b) {
			if b = c; b.less(a) {
				b = a
			}
		}
		// Everything below b goes before everything above; no two ranks are equal.
		l, r := from, to-1
		for l <= r {
			for all[l].less(b) {
				l++
			}
			for b.less(all[r]) {
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
