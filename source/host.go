package source

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"

	"zeta/event"
	"zeta/streams"
)

func init() {
	streams.RegisterSource(streams.SourceSpec[HostOptions]{
		Name:    "source.host",
		Summary: "Tell this machine's health: cpu, load, memory, swap, disks, network, uptime.",
		Doc: "The services are those of riemann-health and riemann-net: cpu, load, memory, swap, \"disk /PATH\", \"INTERFACE rx bytes\" and its like, and uptime. Fractions are of 1, load is per core, network figures are per second, uptime is in seconds; " +
			"states follow riemann-health's default thresholds. The events have the tags zeta and health and a ttl of three intervals. At most 64 disks and 32 interfaces are told. What this machine does not tell is left out.",
		Defaults: HostOptions{Interval: 5 * time.Second},
		Open:     func(o HostOptions, log *slog.Logger) (streams.Source, error) { return NewHost(o, log), nil },
		Examples: []streams.Example{{Title: "under another name", Rule: `source.host({interval: "10s", host: "gateway"});`}},
	})
}

// HostOptions are the options of source.host and of NewHost.
type HostOptions struct {
	Interval time.Duration `opt:"interval" min:"1s" max:"1h" doc:"time between two looks"`
	Host     string        `opt:"host" doc:"the events' host; left out: this machine's name"`
}

// Host observes this machine: cpu, load, memory, swap, every real disk, every network interface and the
// uptime, under the service names of riemann-health and riemann-net. Fractions are of 1; the state comes
// from riemann-health's default thresholds.
type Host struct {
	o      HostOptions
	log    *slog.Logger
	cpu    cpu.TimesStat // at the last round
	net    map[string]net.IOCountersStat
	netAt  time.Time
	failed map[string]bool // what could not be read, told once
}

// The longest time of a look, and the most disks and interfaces that are told, so that a container host with thousands of mounts stays small.
const (
	lookTimeout   = 5 * time.Second
	maxDisks      = 64
	maxInterfaces = 32
)

// NewHost returns a Host that has not looked yet. An interval of 0 is 5 s; a log of nil is slog.Default.
func NewHost(o HostOptions, log *slog.Logger) *Host {
	if o.Interval <= 0 {
		o.Interval = 5 * time.Second
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	if log == nil {
		log = slog.Default()
	}
	return &Host{o: o, log: log, net: map[string]net.IOCountersStat{}, failed: map[string]bool{}}
}

// Schedule implements streams.Source.
func (h *Host) Schedule() (every, timeout time.Duration) { return h.o.Interval, lookTimeout }

// Run looks at once, again after a second (so that rates are there), and then at every interval, until ctx
// is done. emit owns the events it is given.
func (h *Host) Run(ctx context.Context, emit func([]event.Event)) {
	emit(h.Look(ctx))
	pause := min(time.Second, h.o.Interval)
	for {
		select {
		case <-time.After(pause):
			emit(h.Look(ctx))
			pause = h.o.Interval
		case <-ctx.Done():
			return
		}
	}
}

// Look observes once. CPU and network are rates since the last look; the first look tells the cpu since
// boot and no network rates.
func (h *Host) Look(ctx context.Context) []event.Event {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	b := &round{host: h.o.Host, ttl: 3 * h.o.Interval.Seconds(), now: time.Now().UnixMicro()}
	h.lookCPU(ctx, b)
	h.lookLoad(ctx, b)
	h.lookMemory(ctx, b)
	h.lookDisks(ctx, b)
	h.lookNet(ctx, b)
	if up, err := host.UptimeWithContext(ctx); h.readable("uptime", err) {
		b.add("uptime", float64(up), "ok", shortUptime(time.Duration(up)*time.Second))
	}
	return b.events
}

// readable reports whether err is nil, and tells about an error the first time.
func (h *Host) readable(what string, err error) bool {
	if err != nil && !h.failed[what] {
		h.failed[what] = true
		h.log.Warn("this machine's "+what+" cannot be read; it is left out", "err", err)
	}
	return err == nil
}

func (h *Host) lookCPU(ctx context.Context, b *round) {
	times, err := cpu.TimesWithContext(ctx, false)
	if !h.readable("cpu", err) || len(times) == 0 {
		return
	}
	now, last := times[0], h.cpu
	h.cpu = now
	total := cpuTotal(now) - cpuTotal(last)
	if total <= 0 {
		return
	}
	used := 1 - ((now.Idle+now.Iowait)-(last.Idle+last.Iowait))/total
	used = min(max(used, 0), 1)
	b.add("cpu", used, level(used, 0.9, 0.95), fmt.Sprintf("%.1f %% of %d cores used", used*100, runtime.NumCPU()))
}

func cpuTotal(t cpu.TimesStat) float64 {
	return t.User + t.System + t.Idle + t.Nice + t.Iowait + t.Irq + t.Softirq + t.Steal
}

func (h *Host) lookLoad(ctx context.Context, b *round) {
	avg, err := load.AvgWithContext(ctx)
	if !h.readable("load", err) {
		return
	}
	perCore := avg.Load1 / float64(runtime.NumCPU())
	b.add("load", perCore, level(perCore, 3, 8), fmt.Sprintf("1 minute load per core; %.2f %.2f %.2f in all", avg.Load1, avg.Load5, avg.Load15))
}

func (h *Host) lookMemory(ctx context.Context, b *round) {
	if m, err := mem.VirtualMemoryWithContext(ctx); h.readable("memory", err) && m.Total > 0 {
		used := 1 - float64(m.Available)/float64(m.Total)
		b.add("memory", used, level(used, 0.85, 0.95), fmt.Sprintf("%s of %s available", size(m.Available), size(m.Total)))
	}
	s, err := mem.SwapMemoryWithContext(ctx)
	if !h.readable("swap", err) {
		return
	}
	used, text := 0.0, "no swap"
	if s.Total > 0 {
		used = float64(s.Used) / float64(s.Total)
		text = fmt.Sprintf("%s of %s used", size(s.Used), size(s.Total))
	}
	b.add("swap", used, level(used, 0.4, 0.5), text)
}

func (h *Host) lookDisks(ctx context.Context, b *round) {
	parts, err := disk.PartitionsWithContext(ctx, false)
	if !h.readable("disks", err) {
		return
	}
	seen := map[string]bool{}
	var mounts []string
	for _, p := range parts {
		// A device mounted at several places (bind mounts) is one disk: the shortest path tells it.
		if !seen[p.Mountpoint] && !slices.Contains([]string{"squashfs", "iso9660", "overlay", "tmpfs", "devtmpfs", "fuse.snapfuse"}, p.Fstype) {
			seen[p.Mountpoint] = true
			mounts = append(mounts, p.Device+"\x00"+p.Mountpoint)
		}
	}
	sort.Slice(mounts, func(i, j int) bool { return len(mounts[i]) < len(mounts[j]) })
	devices := map[string]bool{}
	told := 0
	for _, m := range append(mounts, "\x00/") { // the root is told even in a container, where it is an overlay
		device, path, _ := strings.Cut(m, "\x00")
		if devices[device] || devices["path"+path] || told == maxDisks {
			continue
		}
		u, err := disk.UsageWithContext(ctx, path)
		if err != nil || u.Total == 0 {
			continue // a mount that went away, or a pseudo file system
		}
		devices[device], devices["path"+path] = true, true
		told++
		used := 0.0
		if u.Used+u.Free > 0 {
			used = float64(u.Used) / float64(u.Used+u.Free) // as df: what users can have, not what is reserved
		}
		b.add("disk "+path, used, level(used, 0.9, 0.95), fmt.Sprintf("%s of %s free", size(u.Free), size(u.Total)))
	}
}

func (h *Host) lookNet(ctx context.Context, b *round) {
	counters, err := net.IOCountersWithContext(ctx, true)
	if !h.readable("network", err) {
		return
	}
	now := time.Now()
	seconds := now.Sub(h.netAt).Seconds()
	for i, c := range counters {
		last, known := h.net[c.Name]
		if i >= maxInterfaces || c.Name == "lo" || c.BytesRecv+c.BytesSent == 0 {
			continue
		}
		h.net[c.Name] = c
		if !known || seconds <= 0 || c.BytesRecv < last.BytesRecv || c.BytesSent < last.BytesSent {
			continue
		}
		rate := func(service string, from, to uint64) {
			b.add(c.Name+" "+service, float64(to-from)/seconds, "ok", "per second")
		}
		rate("rx bytes", last.BytesRecv, c.BytesRecv)
		rate("tx bytes", last.BytesSent, c.BytesSent)
		rate("rx errs", last.Errin, c.Errin)
		rate("tx errs", last.Errout, c.Errout)
	}
	h.netAt = now
}

// round gathers the events of one look.
type round struct {
	host   string
	ttl    float64
	now    int64
	events []event.Event
}

var health = event.NewSet([]string{"zeta", "health"}, nil)

func (b *round) add(service string, metric float64, state, description string) {
	e := event.Event{Set: health}
	if b.host != "" {
		e.SetHost(b.host)
	}
	e.SetService(service)
	e.SetState(state)
	e.SetDescription(description)
	e.SetTime(b.now)
	e.SetTTL(b.ttl)
	e.SetFloat(metric)
	b.events = append(b.events, e)
}

func level(v, warning, critical float64) string {
	switch {
	case v >= critical:
		return "critical"
	case v >= warning:
		return "warning"
	}
	return "ok"
}

func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	v := float64(n)
	i := 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

func shortUptime(d time.Duration) string {
	return fmt.Sprintf("up %d d %d h %d m", int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60)
}
