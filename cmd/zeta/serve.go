package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"zeta/dashboard"
	"zeta/event"
	"zeta/overload"
	"zeta/server"
	"zeta/sinks"
	"zeta/source"
)

var serveCommand = &command{
	name:    "serve",
	summary: "run the router",
	doc: `Runs zeta until SIGTERM or an interrupt; a second one ends it at once. Without --config it listens on loopback
(Riemann's protocol on 5555, TCP and UDP, and HTTP with the dashboard on 5556), indexes everything, and feeds itself with
this machine's health. With --config the rules decide; their listen statements replace the default listeners.
Problems in the rules are all printed, and nothing is started. What came in, what is to go out and the state of the rules
are kept in the data directory: a restart, even after kill -9, goes on where the last one ended.

The rules are loaded again when one of their files changes, on SIGHUP, and by zeta reload; connections, state and queues
go on. Rules with problems change nothing: they are logged, told as the event "zeta reload" with state error, and counted.`,
	example: `zeta serve
zeta serve --config /etc/zeta/zeta.expr --data /var/lib/zeta
zeta serve --config zeta.expr --health --log-level debug`,
	flags: func(fs *flag.FlagSet) func(*cli, []string) error {
		var s serveFlags
		fs.Var(&s.config, "config", "rules `FILE`; may be repeated")
		fs.StringVar(&s.data, "data", "auto", "`DIRECTORY` that keeps state and alerts over a restart; auto is zeta below the user's state directory, and --data= keeps nothing")
		fs.StringVar(&s.health, "health", "auto", "feed this machine's health: `yes`, no, or auto (only without --config)")
		fs.StringVar(&s.level, "log-level", "info", "least `LEVEL` that is logged: debug, info, warn, error")
		fs.BoolVar(&s.json, "log-json", false, "log JSON instead of text")
		fs.StringVar(&s.pprof, "pprof", "", "serve Go's profiles on this `HOST:PORT` of loopback")
		fs.BoolVar(&s.watch, "watch", true, "load the rules again when one of their files changes")
		fs.Var(&s.memory, "memory", "most memory that the process may take, a `SIZE` such as 512MiB; the control group's limit counts if it is less, and so does the setting memory of the rules")
		fs.DurationVar(&s.grace, "grace", 10*time.Second, "longest `DURATION` of an orderly end")
		return func(c *cli, _ []string) error { return serve(c, &s) }
	},
}

// gcPercent is the garbage, as a share of what is in use, at which it is collected. Once its sources are known
// zeta makes next to none, so that collecting early costs little and memory stays close to what is in use.
// The environment variable GOGC goes before it.
const gcPercent = 15

type serveFlags struct {
	config        list
	data          string
	health, level string
	json          bool
	pprof         string
	watch         bool
	grace         time.Duration
	memory        size
}

// size is a flag in bytes, such as 512 MiB.
type size int64

func (s *size) String() string { return fmt.Sprint(int64(*s)) }

// Set implements flag.Value.
func (s *size) Set(text string) error {
	n, err := overload.ParseBytes(text)
	*s = size(n)
	return err
}

func serve(c *cli, s *serveFlags) error {
	log, err := s.logger(c)
	if err != nil {
		return err
	}
	if s.health != "auto" && s.health != "yes" && s.health != "no" {
		return usagef("--health %q: want yes, no or auto", s.health)
	}
	for _, f := range s.config {
		if _, err := os.Stat(f); err != nil {
			return usageError{err}
		}
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	memory := overload.GroupLimit(os.ReadFile)
	if n := int64(s.memory); n > 0 && (memory == 0 || n < memory) {
		memory = n
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hangup := make(chan os.Signal, 1) // from the start to the end: a SIGHUP must not end the program
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	if s.pprof != "" {
		if err := servePprof(ctx, s.pprof, log); err != nil {
			return err
		}
	}
	v, _, _ := version()
	var store *server.Store
	outbound := sinks.Options{Logger: log}
	if s.data == "auto" {
		s.data = stateDir(c)
	}
	if s.data != "" {
		if store, err = server.OpenStore(s.data, log); err != nil {
			return &dataError{s.data, err}
		}
		outbound.Outbox, outbound.Bulk = store.Outbox, filepath.Join(s.data, "bulk")
		defer func() {
			closing, cancel := context.WithTimeout(context.Background(), s.grace)
			defer cancel()
			if err := store.Close(closing); err != nil {
				log.Error("the data directory was not closed in order", "err", err)
			}
		}()
	} else {
		log.Warn("state and alerts are in memory only, and end with the process; --data DIR keeps them")
	}
	outlets := sinks.NewManager(outbound)
	srv, err := server.New(server.Options{
		RulesFiles: s.config,
		Dashboard:  dashboard.Handler(),
		Sinks:      outlets,
		Store:      store,
		Logger:     log,
		Version:    v,
		Watch:      s.watch,

		MemoryLimit: memory,
	})
	if err != nil {
		return err
	}
	// The server ends by Shutdown below, in order, not with ctx.
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if s.health == "yes" || s.health == "auto" && len(s.config) == 0 {
		go source.NewHost(source.HostOptions{}, log).Run(ctx, func(events []event.Event) { srv.Ingest(events) })
	}
	if a := srv.Addr("http"); a != nil {
		log.Info("zeta is running", "dashboard", "http://"+a.String()+"/", "version", v)
	} else {
		log.Info("zeta is running", "version", v)
	}
	notify(c.env, "READY=1")
	go watchdog(ctx, c.env, srv.Alive)
	reloadOnSignal(ctx, srv, hangup)
	notify(c.env, "STOPPING=1")
	stop() // from here on a signal ends the program at once
	log.Info("ending; a second signal ends at once", "grace", s.grace)
	grace, cancel := context.WithTimeout(context.Background(), s.grace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		log.Warn("connections were cut", "err", err)
	}
	if err := outlets.Close(grace); err != nil {
		return err
	}
	log.Info("ended")
	return nil
}

// stateDir is where state is kept unless --data says otherwise; "" when there is no such place.
func stateDir(c *cli) string {
	if dir := c.env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "zeta")
	}
	if home := c.env("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "zeta")
	}
	return ""
}

// reloadOnSignal loads the rules again at each hangup, until ctx is done.
func reloadOnSignal(ctx context.Context, srv *server.Server, hangup <-chan os.Signal) {
	for {
		select {
		case <-hangup:
			srv.Reload() // it logs what goes wrong
		case <-ctx.Done():
			return
		}
	}
}

func (s *serveFlags) logger(c *cli) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.level)); err != nil {
		return nil, usagef("--log-level %q: want debug, info, warn or error", s.level)
	}
	o := &slog.HandlerOptions{Level: level}
	if s.json {
		return slog.New(slog.NewJSONHandler(c.err, o)), nil
	}
	return slog.New(slog.NewTextHandler(c.err, o)), nil
}

// servePprof serves Go's profiles, on loopback only: they tell what the process holds in memory.
func servePprof(ctx context.Context, addr string, log *slog.Logger) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef("--pprof %q: want HOST:PORT, such as 127.0.0.1:6060", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usagef("--pprof %q: profiles tell what zeta holds in memory and are served on loopback only", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("--pprof: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { srv.Close() })
	go srv.Serve(l)
	log.Info("profiles", "address", "http://"+l.Addr().String()+"/debug/pprof/")
	return nil
}
