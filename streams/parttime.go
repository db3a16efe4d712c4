package streams

import "time"

// parttime cuts the engine's clock into windows that follow one another from the moment the rules were
// built, and closes those in which something happened: the engine of rollup, batch and apdex.
//
//	built     +every    +2·every
//	[---------[---------[---------   an event exactly on an edge belongs to the window that begins there
type parttime struct {
	env   *Env
	grid  grid
	end   int64 // of the window entered last
	open  bool  // that window is to be closed
	timer *Timer
	close func() // called once at the end of each window that was kept open
}

func newParttime(env *Env, every time.Duration, closed func()) *parttime {
	p := &parttime{env: env, grid: grid{env.Now(), micros(every)}, close: closed}
	p.end = p.grid.next(env.Now())
	p.timer = env.Timer(p.finish)
	return p
}

// enter moves to the window of the present, closing the one that has ended; fresh is true for the first
// call in a window. An input that a timer brings exactly on an edge is thereby in the new window even if
// that timer runs before the window's own.
func (p *parttime) enter() (fresh bool) {
	now := p.env.Now()
	if now < p.end {
		return false
	}
	p.finish()
	p.end = p.grid.next(now)
	return true
}

// start returns where the window entered last begins.
func (p *parttime) start() int64 { return addMicros(p.end, -p.grid.every) }

// keepOpen asks for close at the end of the window entered last.
func (p *parttime) keepOpen() {
	if !p.open {
		p.open = true
		p.timer.At(p.end)
	}
}

// drop takes keepOpen back.
func (p *parttime) drop() {
	p.open = false
	p.timer.Stop()
}

func (p *parttime) finish() {
	if p.open {
		p.drop()
		p.close()
	}
}

func (p *parttime) save(s *Saver) {
	s.Int(p.grid.anchor)
	s.Int(p.end)
	s.Bool(p.open)
	s.Timer(p.timer)
}

func (p *parttime) load(l *Loader) {
	p.grid.anchor = l.Int()
	p.end = l.Int()
	p.open = l.Bool()
	l.Timer(p.timer)
}
