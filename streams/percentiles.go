package streams

import "time"

func init() {
	Register(Spec[PercentilesOptions]{
		Name:    "percentiles",
		Summary: "Every interval, give the events that stand at the given points of the sorted metrics.",
		Doc: `Intervals follow one another from the first event on, and the events leave at their ends:

    first event   +every    +2·every
    [-------------[---------[--------   an event exactly on an edge is in the interval that begins there

For each point p, in the order written, the event at index min(n−1, ⌊n·p⌋) of the n events sorted by metric leaves, with its own time; there is no interpolation. Its service gets a space and the point appended, or the text a map of points names: {0.5: ".median"}. Events without a metric are ignored, an interval without any gives nothing. An expired event drops the open interval and is not passed on.`,
		Source:   "riemann.streams/percentiles",
		Differs:  "A stopped interval is dropped (Riemann counts its events in the first one after a restart when a ttl ran out). NaN is skipped.",
		Clock:    "engine clock",
		Bounds:   "max events per interval (default 100000), and 64 MiB; beyond that a uniform sample is kept, chosen by the events' numbers and not by chance, and what is left out is counted.",
		In:       Events,
		Out:      Events,
		Defaults: PercentilesOptions{Every: time.Second, Max: 100_000},
		New: func(env *Env, o PercentilesOptions, next Stream) (Stream, error) {
			p := &percentiles{env: env, opts: o, next: next}
			p.ticks.init(env, o.Every, p.emit, p.forget)
			p.ticks.quiet = true
			return p, nil
		},
		Examples: []Example{{
			Title: "median and maximum",
			Rule:  `percentiles(1, [0.5, 1], out)`,
			Test:  `at(0, event({service: "s", metric: 3}), event({service: "s", metric: 1}), event({service: "s", metric: 2})), at(1), expect(out, [{service: "s 0.5", metric: 2}, {service: "s 1", metric: 3}])`,
		}},
	})
}

// PercentilesOptions are the options of percentiles.
type PercentilesOptions struct {
	Every  time.Duration `arg:"1" min:"1ms" doc:"the interval"`
	Points Points        `arg:"2" doc:"points from 0 (the least) to 1 (the greatest), or a map from point to the text appended to the service"`
	Max    int           `opt:"max" min:"1" doc:"events kept per interval; default 100000"`
}

type percentiles struct {
	env   *Env
	opts  PercentilesOptions
	next  Stream
	ticks periodic
	bin   samples
	seen  uint64 // events with a metric in the open interval
}

// Push implements Stream.
func (p *percentiles) Push(v Value) {
	e := eventIn(p.env, v)
	if e == nil {
		return
	}
	if alive, _ := p.ticks.see(e); !alive {
		return
	}
	if _, ok := metricOf(e); !ok {
		return
	}
	p.seen++
	if !p.bin.full(p.opts.Max) {
		p.bin.add(e)
		return
	}
	p.env.Overload("max", 1)
	if i := mix(p.seen) % p.seen; i < uint64(p.bin.len()) {
		p.bin.replace(int(i), e)
	}
}

// mix scatters n over the uint64s: a random number that is the same in every replay.
func mix(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func (p *percentiles) emit() {
	if all := p.bin.ranks(); len(*all) > 0 {
		before := 0
		for _, point := range p.opts.Points {
			i := sampleIndex(len(*all), point.At)
			if i < before {
				before = 0
			}
			// Points mostly rise: what stands before the last one is not looked at again.
			r := selectRank((*all)[before:], i-before)
			before = i
			e := p.bin.event(int(r.sample))
			p.next.Push(EventValue(withSuffix(&e, point.Suffix)))
		}
		ranksPool.Put(all)
	}
	p.forget()
}

func (p *percentiles) forget() {
	p.bin.clear()
	p.seen = 0
}

// Save implements Stateful.
func (p *percentiles) Save(s *Saver) {
	p.ticks.save(s)
	p.bin.save(s)
	s.Uint(p.seen)
}

// Load implements Stateful.
func (p *percentiles) Load(l *Loader) {
	p.ticks.load(l)
	p.bin.load(l)
	p.seen = l.Uint()
}
