package streams

import (
	"fmt"
	"time"

	"zeta/event"
)

const foldIntervalDoc = `Intervals follow one another from the first event on, and the event leaves at their ends:

    first event   +every    +2·every
    [-------------[---------[--------   an event exactly on an edge is in the interval that begins there

What leaves is the interval's last event that has the field, with its own time. Events without the field are skipped; an interval without any gives nothing. An expired event drops the open interval and is not passed on.`

const foldIntervalDiffers = "An empty interval gives nothing (Riemann: an event with nothing but the field, or a failure). A stopped interval is dropped."

const foldIntervalBounds = "max values per interval (default 100000), and 64 MiB; the newest beyond are dropped and counted."

func init() {
	Register(Spec[FoldIntervalOptions]{
		Name:     "foldInterval",
		Summary:  "Every interval, fold the values of a field into one event.",
		Doc:      foldIntervalDoc,
		Source:   "riemann.streams/fold-interval",
		Differs:  foldIntervalDiffers,
		Clock:    "engine clock",
		Bounds:   foldIntervalBounds,
		In:       Events,
		Out:      Events,
		Defaults: FoldIntervalOptions{Every: time.Second, Max: 100_000},
		Check:    func(o FoldIntervalOptions) error { return checkPlain(o.Fold) },
		New: func(env *Env, o FoldIntervalOptions, next Stream) (Stream, error) {
			return newFoldInterval(env, o, next), nil
		},
		Examples: []Example{{
			Title: "the largest ttl of two seconds",
			Rule:  `foldInterval(2, ttl, max, out)`,
			Test:  `at(0, event({ttl: 10, metric: 1})), at(1, event({ttl: 5, metric: 2})), at(2), expect(out, [{ttl: 10, metric: 2}])`,
		}},
	})
	Register(Spec[FoldIntervalMetricOptions]{
		Name:     "foldIntervalMetric",
		Summary:  "Every interval, fold the metrics into one event.",
		Doc:      foldIntervalDoc + " The field is the metric.",
		Source:   "riemann.streams/fold-interval-metric",
		Differs:  foldIntervalDiffers,
		Clock:    "engine clock",
		Bounds:   foldIntervalBounds,
		In:       Events,
		Out:      Events,
		Defaults: FoldIntervalMetricOptions{Every: time.Second, Max: 100_000},
		Check:    func(o FoldIntervalMetricOptions) error { return checkPlain(o.Fold) },
		New: func(env *Env, o FoldIntervalMetricOptions, next Stream) (Stream, error) {
			return newFoldInterval(env, FoldIntervalOptions{o.Every, FieldName{Name: "metric"}, o.Fold, o.Max}, next), nil
		},
		Examples: []Example{{
			Title: "a sum a second",
			Rule:  `foldIntervalMetric(1, sum, out)`,
			Test:  `at(0, event({metric: 1})), at(0.5, event({metric: 2})), at(1, event({metric: 4})), at(2), expect(out, [{metric: 3}, {metric: 4}])`,
		}},
	})
}

// FoldIntervalOptions are the options of foldInterval.
type FoldIntervalOptions struct {
	Every time.Duration `arg:"1" min:"1ms" doc:"the interval"`
	Field FieldName     `arg:"2" doc:"the field whose values are folded"`
	Fold  Fold          `arg:"3" doc:"a fold over plain values: sum, mean, max, …"`
	Max   int           `opt:"max" min:"1" doc:"values kept per interval; default 100000"`
}

// FoldIntervalMetricOptions are the options of foldIntervalMetric.
type FoldIntervalMetricOptions struct {
	Every time.Duration `arg:"1" min:"1ms" doc:"the interval"`
	Fold  Fold          `arg:"2" doc:"a fold over plain values: sum, mean, max, …"`
	Max   int           `opt:"max" min:"1" doc:"values kept per interval; default 100000"`
}

// checkPlain looks the fold up: its functions are bound only when the rules are built.
func checkPlain(f Fold) error {
	if spec, ok := foldByName(f.Name); ok && spec.Plain == nil {
		return fmt.Errorf("the fold %s wants whole events, not values of one field; put fixedTimeWindow(…, smap(%[1]s, …)) instead", f.Name)
	}
	return nil
}

type foldInterval struct {
	env    *Env
	opts   FoldIntervalOptions
	next   Stream
	ticks  periodic
	values []Datum
	bytes  int         // that the values hold on to
	last   event.Event // with the field
}

func newFoldInterval(env *Env, o FoldIntervalOptions, next Stream) *foldInterval {
	f := &foldInterval{env: env, opts: o, next: next}
	f.ticks.init(env, o.Every, f.emit, f.forget)
	f.ticks.quiet = true
	return f
}

// Push implements Stream.
func (f *foldInterval) Push(v Value) {
	e := eventIn(f.env, v)
	if e == nil {
		return
	}
	if alive, _ := f.ticks.see(e); !alive {
		return
	}
	d := f.opts.Field.Get(e)
	if d.IsMissing() {
		return
	}
	f.last = *e
	if len(f.values) >= f.opts.Max || f.bytes >= maxHeldBytes {
		f.env.Overload("max", 1)
		return
	}
	f.values = append(f.values, keepDatum(d))
	f.bytes += f.size(d, e)
}

// size returns about how many bytes the value d of e holds on to.
func (f *foldInterval) size(d Datum, e *event.Event) int {
	const datum = 160
	if d.Kind == Int || d.Kind == Float {
		return datum
	}
	return datum + sizeOf(e)
}

func (f *foldInterval) emit() {
	if len(f.values) == 0 {
		return
	}
	e := f.last
	d, err := f.opts.Fold.plain(f.values)
	f.forget()
	if err != nil {
		f.env.Fail(EventValue(&e), err)
		return
	}
	f.opts.Field.Set(&e, d)
	f.next.Push(EventValue(&e))
}

func (f *foldInterval) forget() {
	clear(f.values)
	f.values, f.bytes, f.last = f.values[:0], 0, event.Event{}
	if cap(f.values) > 4*maxPooled {
		f.values = nil
	}
}

// Save implements Stateful.
func (f *foldInterval) Save(s *Saver) {
	f.ticks.save(s)
	s.Uint(uint64(len(f.values)))
	for _, d := range f.values {
		s.Datum(d)
	}
	s.Int(int64(f.bytes))
	s.Event(&f.last)
}

// Load implements Stateful.
func (f *foldInterval) Load(l *Loader) {
	f.ticks.load(l)
	for range l.Len() {
		f.values = append(f.values, l.Datum())
	}
	f.bytes = int(l.Int())
	f.last = loadEvent(l)
}
