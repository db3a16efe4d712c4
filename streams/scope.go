package streams

// scope owns what a graph or one fork of it has built: its stateful nodes and its timers.
type scope struct {
	timers []*Timer
}

// node is one place in the rules.
type node struct{}

func (env *Env) fail(v Value, err error)         { panic("fail") }
func (env *Env) overload(bound string, shed int) { panic("overload") }
