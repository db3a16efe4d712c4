package streams

import (
	"math"
	"time"

	"zeta/event"
)

func init() {
	Register(Spec[PredictLinearOptions]{
		Name:    "predictLinear",
		Summary: "Replace the metric by where a straight line through the last events puts it some time ahead.",
		Doc: "The line is fitted by least squares through the time and metric of the last n events and read at the event's own time plus ahead. " +
			"Nothing is passed for the first event, nor while the line is undetermined because all times are equal. " +
			"With refit the line is fitted anew only when more than that has passed on the engine's clock; meanwhile it is read at each event's time. " +
			"Events without a time or a metric, or whose metric is NaN or infinite, are dropped.",
		Source:  "riemann.streams/predict-linear",
		Differs: "Events that lack time or metric are dropped; in Riemann each spoils the next n results. refit runs on the engine's clock, not the system's.",
		Clock:   "event time; the engine's clock for refit",
		Bounds:  "The last n events' times and metrics are kept, 16 bytes each; n is at most 10 000.",
		In:      Events,
		Out:     Events,
		New:     newPredictLinear,
		Examples: []Example{{
			Title: "where the disk will be in a minute",
			Rule:  `predictLinear(5, "1m", out)`,
			Test:  `at(0, event({metric: 10, time: 0}), event({metric: 12, time: 1}), event({metric: 14, time: 2})), expect(out, [{metric: 132, time: 1}, {metric: 134, time: 2}])`,
		}},
	})
}

// PredictLinearOptions are the options of predictLinear.
type PredictLinearOptions struct {
	N     int           `arg:"1" min:"2" max:"10000" doc:"how many events the line goes through"`
	Ahead time.Duration `arg:"2" doc:"how far ahead the line is read"`
	Refit time.Duration `arg:"3,optional" doc:"fit anew only after this time; 0, the default, for every event"`
}

func newPredictLinear(env *Env, o PredictLinearOptions, next Stream) (Stream, error) {
	return &predictLinear{
		env: env, n: o.N, ahead: o.Ahead.Seconds(), refit: o.Refit.Microseconds(), next: next,
	}, nil
}

type predictLinear struct {
	env   *Env
	n     int
	ahead float64 // seconds
	refit int64   // microseconds
	next  Stream
	copy  event.Event

	points []point // a ring once it holds n
	oldest int
	line   line
	fitted int64 // engine clock of the last fit
}

type point struct {
	at int64 // microseconds
	m  float64
}

// line is m + slope·(t−at), the times in seconds.
type line struct {
	ok       bool
	at       int64 // microseconds
	m, slope float64
}

// Push implements Stream.
func (n *predictLinear) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil || e.Has&event.HasTime == 0 {
		return
	}
	m, ok := metricOf(e)
	if !ok || !m.isFinite() {
		return
	}
	n.keep(point{e.Time, m.float()})
	now := n.env.Now()
	if !n.line.ok || n.refit == 0 || now-n.fitted > n.refit {
		n.line, n.fitted = fit(n.points[n.oldest:], n.points[:n.oldest], e.Time), now
	}
	if !n.line.ok {
		return
	}
	n.copy = *e
	setMetric(&n.copy, floatNumber(n.line.read(e.Time, n.ahead)))
	n.next.Push(Value{Event: &n.copy})
}

func (n *predictLinear) keep(p point) {
	if len(n.points) < n.n {
		n.points = append(n.points, p)
		return
	}
	n.points[n.oldest] = p
	n.oldest = (n.oldest + 1) % n.n
}

// fit finds the least-squares line through older and newer points, always added up in this order so that
// equal points give the same line to the last bit. Times are taken relative to at, which keeps them exact.
func fit(older, newer []point, at int64) line {
	var meanT, meanM float64
	for _, points := range [...][]point{older, newer} {
		for _, p := range points {
			meanT += secondsBetween(at, p.at)
			meanM += p.m
		}
	}
	n := float64(len(older) + len(newer))
	meanT, meanM = meanT/n, meanM/n
	var tt, tm float64
	for _, points := range [...][]point{older, newer} {
		for _, p := range points {
			t := secondsBetween(at, p.at) - meanT
			tt += t * t
			tm += t * (p.m - meanM)
		}
	}
	if tt == 0 {
		return line{}
	}
	slope := tm / tt
	l := line{ok: true, at: at, m: meanM - slope*meanT, slope: slope}
	l.ok = !math.IsNaN(l.m) && !math.IsNaN(l.slope)
	return l
}

func (l line) read(at int64, ahead float64) float64 {
	return l.m + l.slope*(secondsBetween(l.at, at)+ahead)
}

// secondsBetween returns to − from, both in microseconds, in seconds.
func secondsBetween(from, to int64) float64 {
	if d := to - from; (d > 0) == (to > from) {
		return float64(d) / 1e6
	}
	return float64(to)/1e6 - float64(from)/1e6 // the difference overflows
}

// Save implements Stateful.
func (n *predictLinear) Save(s *Saver) {
	s.Uint(uint64(len(n.points)))
	for i := range n.points {
		p := n.points[(n.oldest+i)%len(n.points)]
		s.Int(p.at)
		s.Float(p.m)
	}
	s.Bool(n.line.ok)
	s.Int(n.line.at)
	s.Float(n.line.m)
	s.Float(n.line.slope)
	s.Int(n.fitted)
}

// Load implements Stateful.
func (n *predictLinear) Load(l *Loader) {
	n.points, n.oldest = nil, 0
	for range l.Len() {
		n.keep(point{l.Int(), l.Float()})
	}
	n.line = line{l.Bool(), l.Int(), l.Float(), l.Float()}
	n.fitted = l.Int()
}
