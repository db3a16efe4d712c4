package lines

import (
	"bytes"
	"strconv"
	"sync"
	"time"

	"zeta/event"

	syslog "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// Syslog reads syslog's messages: those of RFC 5424, and those of RFC 3164, which it takes for what they are meant
// to be. Safe for concurrent use.
type Syslog struct {
	modern, old sync.Pool // of syslog.Machine, which keep state while they parse
	now         func() time.Time
}

// NewSyslog returns a parser; times of RFC 3164, which name no zone, are in local.
func NewSyslog(local *time.Location) *Syslog {
	return &Syslog{
		modern: sync.Pool{New: func() any { return rfc5424.NewMachine(rfc5424.WithBestEffort()) }},
		old: sync.Pool{New: func() any {
			return rfc3164.NewMachine(rfc3164.WithBestEffort(), rfc3164.WithYear(rfc3164.CurrentYear{}), rfc3164.WithLocaleTimezone(local),
				rfc3164.WithRFC3339(), rfc3164.WithSecondFractions(), rfc3164.WithLenientDay())
		}},
		now: time.Now,
	}
}

var (
	syslogSeverities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	syslogStates     = [...]string{"critical", "critical", "critical", "critical", "warning", "ok", "ok", "ok"}
	syslogFacilities = [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
)

// Parse reads one message. What follows the priority of a message that is neither is its text.
func (s *Syslog) Parse(dst []event.Event, line []byte, host string) ([]event.Event, error) {
	line = bytes.TrimRight(line, "\r\n\x00 ")
	if len(line) == 0 {
		return dst, nil
	}
	line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
	priority, rest, ok := syslogPriority(line)
	if !ok {
		return dst, refuse("priority", "%s; want <PRIORITY> in front, 0 to 191", quote(line))
	}
	var e event.Event
	e.SetState(syslogStates[priority&7])
	attrs := []event.Attr{{Key: "facility", Value: syslogFacilities[priority>>3]}, {Key: "severity", Value: syslogSeverities[priority&7]}}
	var base *syslog.Base
	if bytes.HasPrefix(rest, []byte("1 ")) {
		machine := s.modern.Get().(syslog.Machine)
		m, err := machine.Parse(line)
		s.modern.Put(machine)
		if full, is := m.(*rfc5424.SyslogMessage); is && err == nil {
			base = &full.Base
			if full.StructuredData != nil {
				attrs = syslogData(attrs, *full.StructuredData)
			}
		}
	} else {
		machine := s.old.Get().(syslog.Machine)
		m, err := machine.Parse(line)
		s.old.Put(machine)
		if full, is := m.(*rfc3164.SyslogMessage); is && err == nil {
			base = &full.Base
		}
	}
	service := "syslog"
	if base == nil {
		e.SetDescription(text(bytes.TrimSpace(rest)))
	} else {
		if base.Hostname != nil {
			e.SetHost(*base.Hostname)
		}
		if base.Appname != nil && *base.Appname != "" {
			service = *base.Appname
		}
		if base.ProcID != nil {
			attrs = append(attrs, event.Attr{Key: "pid", Value: *base.ProcID})
		}
		if base.MsgID != nil {
			attrs = append(attrs, event.Attr{Key: "msgid", Value: *base.MsgID})
		}
		if base.Message != nil {
			e.SetDescription(string(bytes.TrimPrefix([]byte(*base.Message), []byte("\uFEFF"))))
		}
		if base.Timestamp != nil {
			t := *base.Timestamp
			if base.MsgID == nil && t.After(s.now().Add(48*time.Hour)) && !bytes.HasPrefix(rest, []byte("1 ")) {
				t = t.AddDate(-1, 0, 0) // a message of December that comes in January
			}
			if t.Year() >= 1970 {
				e.SetTime(t.UnixMicro())
			}
		}
	}
	e.SetService(service)
	source(&e, host)
	e.Set = event.NewSet(nil, attrs)
	return append(dst, e), nil
}

// syslogPriority reads <PRIORITY>.
func syslogPriority(line []byte) (priority int, rest []byte, ok bool) {
	end := bytes.IndexByte(line[:min(len(line), 5)], '>')
	if line[0] != '<' || end < 2 {
		return 0, nil, false
	}
	n, err := strconv.Atoi(string(line[1:end]))
	if err != nil || n < 0 || n > 191 {
		return 0, nil, false
	}
	return n, line[end+1:], true
}

// syslogData makes attributes ID.NAME of structured data, as many as a line may have.
func syslogData(attrs []event.Attr, data map[string]map[string]string) []event.Attr {
	for id, params := range data {
		for name, value := range params {
			if len(attrs) >= maxAttrs {
				return attrs
			}
			attrs = append(attrs, event.Attr{Key: id + "." + name, Value: value})
		}
	}
	return attrs
}

// NextSyslog is the framing of syslog over TCP (RFC 6587): a length in decimal and a blank in front of a message,
// or a newline or zero byte behind it, whichever a message has. n is 0 if the message is not here whole.
func NextSyslog(b []byte, limit int) (n int, message []byte, err error) {
	if b[0] >= '1' && b[0] <= '9' {
		blank := bytes.IndexByte(b[:min(len(b), 9)], ' ')
		if blank < 0 {
			if len(b) < 9 {
				return 0, nil, nil
			}
			return 0, nil, refuse("framing", "%s; want a length and a blank, or <", quote(b[:9]))
		}
		size, err := strconv.Atoi(string(b[:blank]))
		if err != nil || size > limit {
			return 0, nil, refuse("framing", "a message of length %s; want a number up to %d; raise maxLine to allow longer ones", quote(b[:blank]), limit)
		}
		if len(b) < blank+1+size {
			return 0, nil, nil
		}
		return blank + 1 + size, b[blank+1 : blank+1+size], nil
	}
	i := bytes.IndexAny(b, "\n\x00")
	if i < 0 {
		return 0, nil, nil
	}
	return i + 1, bytes.TrimSuffix(b[:i], []byte{'\r'}), nil
}
