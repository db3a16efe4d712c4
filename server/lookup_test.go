package server

import "testing"

// TestLookupAcrossReload reads the index in a rule: what was put before the rules changed is found by the new ones.
func TestLookupAcrossReload(t *testing.T) {
	const rules = `index; where(service == "ask", with({service: "answer", metric: lookup(host, "cpu").metric}, index));`
	f := newRulesFile(t, rules+listeners)
	s := serveOptions(t, Options{RulesFiles: []string{f.name}, Quiet: true})
	conn := s.dial("tcp")
	in := newAnswers(t, conn)
	answer := func(cpu float64) float64 {
		t.Helper()
		if cpu != 0 {
			if _, err := conn.Write(frame(ev("h", "cpu", cpu))); err != nil {
				t.Fatal(err)
			}
			in.want()
		}
		if _, err := conn.Write(frame(ev("h", "ask", 1))); err != nil {
			t.Fatal(err)
		}
		in.want()
		return s.query(`service = "answer" and host = "h"`)[0].Float
	}
	if got := answer(5); got != 5 {
		t.Errorf("the rule finds %v, want 5", got)
	}
	f.write(`where(true, index);` + rules + listeners)
	s.reload()
	if got := answer(0); got != 5 {
		t.Errorf("after a reload the rule finds %v, want 5", got)
	}
	if got := answer(7); got != 7 {
		t.Errorf("after a reload the rule finds %v, want 7", got)
	}
}
