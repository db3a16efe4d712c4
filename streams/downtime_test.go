package streams

import (
	"testing"

	"zeta/event"
)

// Nobody is silent merely because zeta was down: after a down-time each has the whole time once more.
func TestDownTimeIsNoSilence(t *testing.T) {
	for _, c := range []struct{ operator, want string }{
		{"deadman", `
3 c expired@3
1003 a expired@1003`},
		{"absentAfter", `1002 a ok@1002`},
	} {
		s := newStage(t, stagedOperators()[c.operator])
		s.at(1)
		a := &event.Event{}
		a.SetHost("a")
		a.SetState("ok")
		s.event(a)
		if c.operator == "deadman" {
			s.at(3)
		}
		s.clock.Skip(1000e6)
		s.at(1010)
		wantText(t, c.operator, s.take(), c.want)
	}
}
