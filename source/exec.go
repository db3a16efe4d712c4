package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[ExecOptions]{
		Name:    "source.exec",
		Summary: "Run a program that follows the convention of Nagios plugins again and again.",
		Doc: "The exit code is the state: 0 ok, 1 warning, 2 critical, 3 and all others unknown, as is a program that cannot be started or does not end in time. The first line of its output up to | is the description. " +
			"What follows | is performance data: each label='value[unit];warn;crit;min;max' becomes an event \"SERVICE LABEL\" with the value as its metric, the state that its own thresholds say (without any: the program's), and its unit and thresholds as attributes. " +
			"The event of the program has the time it ran, in seconds, as its metric. service is the program's name without check_. " +
			"The program is run directly, without a shell, in / and with nothing of zeta's environment but PATH, HOME and LANG; in its own process group, which is killed when time is up. " +
			"Of its output 64 KiB are read; more, and what it writes to standard error, is dropped.",
		Defaults: ExecOptions{Interval: time.Minute, Timeout: 30 * time.Second, MaxOutput: 64 << 10},
		Check:    checkExec,
		Open:     openExec,
		Examples: []streams.Example{
			{Title: "a disk plugin", Rule: `source.exec(["/usr/lib/nagios/plugins/check_disk", "-w", "10%", "-c", "5%", "-p", "/"]);`},
			{Title: "a check of one's own", Rule: `source.exec(["/usr/local/bin/backup-age", "--max", "26h"], {service: "backup", interval: "10m", env: {BACKUP_DIR: "/srv/backup"}});`},
		},
	})
}

// ExecOptions are the options of source.exec.
type ExecOptions struct {
	Command   []string          `arg:"1" doc:"the program, by its full path, and its arguments"`
	Env       map[string]string `opt:"env" secret:"true" doc:"variables of its environment, beside PATH, HOME and LANG"`
	Dir       string            `opt:"dir" doc:"directory it runs in; left out: /"`
	MaxOutput int               `opt:"maxOutput" min:"1" max:"16777216" doc:"bytes of its output that are read"`
	Interval  time.Duration     `opt:"interval" min:"1s" max:"24h" doc:"time between two looks"`
	Timeout   time.Duration     `opt:"timeout" min:"10ms" max:"1h" doc:"longest time of one look"`
	Host      string            `opt:"host" doc:"the events' host; left out: this machine's name"`
	Service   string            `opt:"service" doc:"the events' service"`
	Tags      []string          `opt:"tags" doc:"the events' tags"`
	TTL       time.Duration     `opt:"ttl" doc:"the events' ttl; 0: three intervals and the timeout"`
}

func checkExec(o ExecOptions) error {
	if len(o.Command) == 0 || !strings.HasPrefix(o.Command[0], "/") {
		return errors.New(`source.exec: name a program by its full path, e.g. ["/usr/lib/nagios/plugins/check_load"]`)
	}
	return nil
}

// execSource runs one program.
type execSource struct {
	observer
	o       ExecOptions
	service string
	env     []string
}

func openExec(o ExecOptions, _ *slog.Logger) (streams.Source, error) {
	if err := checkExec(o); err != nil {
		return nil, err
	}
	name := o.Command[0][strings.LastIndexByte(o.Command[0], '/')+1:]
	s := &execSource{o: o, service: orDefault(o.Service, strings.TrimPrefix(name, "check_"))}
	for _, key := range []string{"PATH", "HOME", "LANG"} {
		if v, ok := os.LookupEnv(key); ok {
			s.env = append(s.env, key+"="+v)
		}
	}
	for k, v := range o.Env {
		s.env = append(s.env, k+"="+v)
	}
	s.o.Dir = orDefault(o.Dir, "/")
	host, _ := os.Hostname() // without it, the events have no host
	s.observer = newObserver(common{o.Interval, o.Timeout, o.TTL, o.Host, o.Tags}, host, event.Attr{Key: "source", Value: "exec"})
	return s, nil
}

// Look implements streams.Source.
func (s *execSource) Look(ctx context.Context) []event.Event {
	began := time.Now()
	code, out, err := s.run(ctx)
	took := time.Since(began)
	if err != nil {
		return []event.Event{s.event(s.service, "unknown", err.Error())}
	}
	result := parsePlugin(out)
	state := pluginState(code)
	e := s.event(s.service, state, result.text)
	e.SetFloat(took.Seconds())
	events := []event.Event{e}
	for _, d := range result.data {
		events = append(events, s.dataEvent(d, state))
	}
	return events
}

// dataEvent makes the event of one item of performance data.
func (s *execSource) dataEvent(d perfDatum, state string) event.Event {
	if own, ok := d.state(); ok {
		state = own
	}
	e := s.event(s.service+" "+d.label, state, "")
	e.SetFloat(d.value)
	attrs := []event.Attr{{Key: "source", Value: "exec"}}
	for _, a := range []event.Attr{{Key: "unit", Value: d.unit}, {Key: "warn", Value: d.warn}, {Key: "crit", Value: d.crit}, {Key: "min", Value: d.min}, {Key: "max", Value: d.max}} {
		if a.Value != "" {
			attrs = append(attrs, a)
		}
	}
	e.Set = event.NewSet(s.tags, attrs)
	return e
}

// run returns the program's exit code and the beginning of its output.
func (s *execSource) run(ctx context.Context) (code int, output []byte, err error) {
	cmd := exec.CommandContext(ctx, s.o.Command[0], s.o.Command[1:]...)
	out := &head{limit: s.o.MaxOutput}
	cmd.Stdout, cmd.Env, cmd.Dir = out, s.env, s.o.Dir
	cmd.WaitDelay = time.Second // for a child that keeps the output open
	ownGroup(cmd)
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, nil, fmt.Errorf("did not end within %s", s.o.Timeout)
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		return 0, nil, fmt.Errorf("ended by %s", exit)
	case errors.As(err, &exit):
		return exit.ExitCode(), out.kept, nil
	case errors.Is(err, exec.ErrWaitDelay):
		return 0, out.kept, nil
	case err != nil:
		return 0, nil, fmt.Errorf("cannot be run: %w", err)
	}
	return 0, out.kept, nil
}

// head keeps the first limit bytes that are written to it.
type head struct {
	kept  []byte
	limit int
}

// Write implements io.Writer; what is too much is taken and dropped.
func (h *head) Write(b []byte) (int, error) {
	if room := h.limit - len(h.kept); room > 0 {
		h.kept = append(h.kept, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

func pluginState(code int) string {
	if code >= 0 && code <= 2 {
		return [...]string{"ok", "warning", "critical"}[code]
	}
	return "unknown"
}
