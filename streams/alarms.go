package streams

// alarms are timers for the keys of a table. They share one timer of the node, so that a key that is
// forgotten leaves nothing behind: stop its alarm when it goes.
type alarms struct {
	clock *Clock // of its own, holding the keys' alarms by due time
	timer *Timer
}

func newAlarms(env *Env) *alarms {
	a := &alarms{clock: NewClock(env.Now())}
	a.timer = env.Timer(func() {
		a.clock.Advance(env.Now())
		a.arm()
	})
	return a
}

// alarm returns an alarm that is not set. Call arm after the alarms that a value sets or stops.
func (a *alarms) alarm(run func()) *Timer { return a.clock.NewTimer(run) }

// arm sets the node's timer to the next alarm.
func (a *alarms) arm() {
	if len(a.clock.timers) == 0 {
		a.timer.Stop()
		return
	}
	next := a.clock.Next()
	if due, pending := a.timer.Pending(); !pending || due != next {
		a.timer.At(next)
	}
}
