package lines

import (
	"fmt"
	"testing"
	"time"
)

func newTestSyslog() *Syslog { return NewSyslog(time.UTC) }

func TestSyslog(t *testing.T) { testFile(t, "syslog", newTestSyslog().Parse) }

// TestSyslogOld holds the year that RFC 3164 leaves out, which is the present one unless that lies ahead.
func TestSyslogOld(t *testing.T) {
	now := time.Now().UTC()
	for _, c := range []struct{ at, want time.Time }{
		{now.Add(-time.Hour), now.Add(-time.Hour)},
		{now.AddDate(0, 0, 10), now.AddDate(-1, 0, 10)},
	} {
		if c.at.Year() != now.Year() {
			continue // the year has just begun, or is about to
		}
		line := "<34>" + c.at.Format(time.Stamp) + " web1 su[231]: 'su root' failed"
		events, err := newTestSyslog().Parse(nil, []byte(line), "")
		if err != nil || len(events) != 1 {
			t.Fatalf("%s: %v %v", line, events, err)
		}
		e := events[0]
		if e.Time != c.want.Truncate(time.Second).UnixMicro() || e.Host != "web1" || e.Service != "su" || e.State != "critical" || e.Description != "'su root' failed" {
			t.Errorf("%s: got %s, want the time %s", line, show(&e), c.want)
		}
		if pid, _ := e.Attr("pid"); pid != "231" {
			t.Errorf("pid %q, want 231", pid)
		}
	}
}

func TestNextSyslog(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"5 <1>ab<1>c\n", `7 "<1>ab" <nil>`},
		{"5 <1>a", `0 "" <nil>`},
		{"5", `0 "" <nil>`},
		{"<1>c\r\n", `6 "<1>c" <nil>`},
		{"<1>c\x00", `5 "<1>c" <nil>`},
		{"<1>c", `0 "" <nil>`},
		{"101 ", `0 "" a message of length "101"; want a number up to 100; raise maxLine to allow longer ones`},
		{"12345678901", `0 "" "123456789"; want a length and a blank, or <`},
		{"1x ", `0 "" a message of length "1x"; want a number up to 100; raise maxLine to allow longer ones`},
	} {
		n, m, err := NextSyslog([]byte(c.in), 100)
		if got := fmt.Sprintf("%d %q %v", n, m, err); got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
}

func FuzzSyslog(f *testing.F) {
	recorded(f, "syslog")
	seeds(f, "syslog")
	s := newTestSyslog()
	f.Fuzz(func(t *testing.T, line []byte) {
		fuzzed(t, line, s.Parse)
		if len(line) > 0 {
			if n, m, err := NextSyslog(line, 100); n > len(line) || len(m) > n || err != nil && n != 0 {
				t.Fatalf("%d %q %v", n, m, err)
			}
		}
	})
}
