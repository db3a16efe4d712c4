package overload

// Level says how scarce memory is. Higher levels include the lower ones.
type Level int32

// The levels, with the percent of the limit at which each begins. It ends ten points below.
const (
	Calm     Level = iota
	Sparing        // 70: no new work that can wait, such as queries
	Pacing         // 80: senders take turns, and say less
	Shedding       // 90: what repeats is dropped
	Closing        // 95: what is new is dropped, and nobody else may come in
)

var begins = [...]float64{Sparing: 70, Pacing: 80, Shedding: 90, Closing: 95}

// slack is how many points below its beginning a level ends.
const slack = 10

var names = [...]string{"calm", "sparing", "pacing", "shedding", "closing"}

// String returns the level's name in lower case.
func (l Level) String() string { return names[l] }

// Begins returns the percent of the limit at which the level begins.
func (l Level) Begins() float64 { return begins[l] }

// next returns the level that follows l when so many percent are used.
func (l Level) next(percent float64) Level {
	for l < Closing && percent >= begins[l+1] {
		l++
	}
	for l > Calm && percent < begins[l]-slack {
		l--
	}
	return l
}
