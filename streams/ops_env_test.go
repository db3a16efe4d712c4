package streams

// testEnv is the world of a node under test.
func testEnv(clock *Clock) *Env {
	rt := Runtime{Clock: clock}.filled()
	g := &Graph{rules: &Rules{}, rt: rt, lets: map[*let]Stream{}}
	g.scope = &scope{graph: g, in: &Input{rt: rt}}
	return &Env{rt: rt, node: &node{}, scope: g.scope}
}
