package streams

import (
	"fmt"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"zeta/event"
)

func init() {
	Register(Spec[QuantilesOptions]{
		Name:    "quantiles",
		Summary: "Every interval, give the quantiles of the metrics from a sketch of fixed size.",
		Doc: `For event rates at which percentiles, which keeps and sorts every event, costs too much. Intervals follow one another from the first event on:

    first event   +every    +2·every
    [-------------[---------[--------   an event exactly on an edge is in the interval that begins there

For each point, in the order written, a copy of the interval's last event with a metric leaves with the quantile as metric and the engine's time; its service gets a space and the point appended, or the text a map of points names. The quantile is that of number ⌊p·(n−1)⌋ of the sorted metrics with a relative error of at most accuracy; the least and the most are exact. Events without a metric, or with NaN or infinity for one, are ignored; an interval without any gives nothing. An expired event drops the open interval and is not passed on.`,
		Clock:    "engine clock",
		Bounds:   "A sketch of at most 2 × 2048 counters, 32 KiB. When the metrics of an interval span more than that holds (some 17 decades at an accuracy of 1 %), those nearest to 0 lose their accuracy.",
		In:       Events,
		Out:      Events,
		Defaults: QuantilesOptions{Accuracy: 0.01},
		New:      newQuantiles,
		Examples: []Example{{
			Title: "the least, the middle and the most",
			Rule:  `quantiles(1, [0, 1], out)`,
			Test:  `at(0, event({service: "s", metric: 3}), event({service: "s", metric: 1}), event({service: "s", metric: 2})), at(1), expect(out, [{service: "s 0", metric: 1, time: 1}, {service: "s 1", metric: 3, time: 1}])`,
		}},
	})
}

// QuantilesOptions are the options of quantiles.
type QuantilesOptions struct {
	Every    time.Duration `arg:"1" min:"1ms" doc:"the interval"`
	Points   Points        `arg:"2" doc:"points from 0 (the least) to 1 (the greatest), or a map from point to the text appended to the service"`
	Accuracy float64       `opt:"accuracy" min:"0.001" max:"0.2" doc:"the relative error allowed"`
}

// sketchBins bounds a sketch's counters for positive metrics, and again for negative ones.
const sketchBins = 2048

type quantiles struct {
	env    *Env
	points Points
	next   Stream
	ticks  periodic
	sketch *ddsketch.DDSketch

	n           int64 // metrics in the open interval
	least, most float64
	last        event.Event
}

func newQuantiles(env *Env, o QuantilesOptions, next Stream) (Stream, error) {
	sketch, err := ddsketch.LogCollapsingLowestDenseDDSketch(o.Accuracy, sketchBins)
	if err != nil {
		return nil, fmt.Errorf("make a sketch: %w", err)
	}
	n := &quantiles{env: env, points: o.Points, next: next, sketch: sketch}
	n.ticks.init(env, o.Every, n.emit, n.forget)
	n.ticks.quiet = true
	return n, nil
}

// Push implements Stream.
func (n *quantiles) Push(v Value) {
	e := eventIn(n.env, v)
	if e == nil {
		return
	}
	if alive, _ := n.ticks.see(e); !alive {
		return
	}
	m, ok := metricOf(e)
	if !ok || !m.isFinite() {
		return
	}
	x := m.float()
	if n.n == 0 {
		n.least, n.most = x, x
	}
	n.n++
	n.least, n.most, n.last = min(n.least, x), max(n.most, x), *e
	top := n.sketch.MaxIndexableValue()
	if err := n.sketch.Add(max(-top, min(x, top))); err != nil {
		n.env.Fail(v, fmt.Errorf("add to the sketch: %w", err))
	}
}

func (n *quantiles) emit() {
	if n.n > 0 {
		for _, p := range n.points {
			x, err := n.quantile(p.At)
			if err != nil {
				n.env.Fail(EventValue(&n.last), fmt.Errorf("read the sketch at %g: %w", p.At, err))
				continue
			}
			e := withSuffix(&n.last, p.Suffix)
			e.SetFloat(x)
			e.SetTime(n.env.Now())
			n.next.Push(EventValue(e))
		}
	}
	n.forget()
}

func (n *quantiles) quantile(p float64) (float64, error) {
	switch {
	case p <= 0:
		return n.least, nil
	case p >= 1:
		return n.most, nil
	}
	x, err := n.sketch.GetValueAtQuantile(p)
	return max(n.least, min(x, n.most)), err
}

func (n *quantiles) forget() {
	n.sketch.Clear()
	n.n, n.least, n.most, n.last = 0, 0, 0, event.Event{}
}

// Save implements Stateful.
func (n *quantiles) Save(s *Saver) {
	n.ticks.save(s)
	s.Int(n.n)
	s.Float(n.least)
	s.Float(n.most)
	s.Event(&n.last)
	var encoded []byte
	n.sketch.Encode(&encoded, true)
	s.String(string(encoded))
}

// Load implements Stateful.
func (n *quantiles) Load(l *Loader) {
	n.ticks.load(l)
	n.n, n.least, n.most, n.last = l.Int(), l.Float(), l.Float(), loadEvent(l)
	encoded := l.String()
	if l.Err() != nil {
		return
	}
	provider := func() store.Store { return store.NewCollapsingLowestDenseStore(sketchBins) }
	sketch, err := ddsketch.DecodeDDSketch([]byte(encoded), provider, n.sketch.IndexMapping)
	if err != nil {
		l.Fail(fmt.Errorf("quantiles: read a sketch: %w", err))
		return
	}
	n.sketch = sketch
}
