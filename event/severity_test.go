package event

import "testing"

func TestSeverityOf(t *testing.T) {
	for state, want := range map[string]Severity{
		"": Fine, "ok": Fine, "OK": Fine, "up": Fine, "info": Fine,
		"running": Odd, "unknown": Odd,
		"warning": Warning, "Warn": Warning,
		"critical": Bad, "CRITICAL": Bad, "down": Bad, "expired": Bad, "failure": Bad,
	} {
		if got := SeverityOf(state); got != want {
			t.Errorf("SeverityOf(%q) = %d, want %d", state, got, want)
		}
	}
}
