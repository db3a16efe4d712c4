package faults

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"zeta/event"
	"zeta/event/wire"
)

// overloadRules index what comes for so many seconds, keep state for each source, send alerts to the judge, and count
// what is evaluated.
func overloadRules(j *judge, ttl int) string {
	return fmt.Sprintf(`
expire({every: "1s"});
default(ttl, %d, index);
by([host, service], {idle: "2s"}, changedState({init: "ok"}, publish("changes")));
where(state != "expired" and host startsWith "tcp", with(metric, 1, counter(with({host: "count", service: "tcp", ttl: 3600}, index))));
where(state != "expired" and host == "udp", with(metric, 1, counter(with({host: "count", service: "udp", ttl: 3600}, index))));
where(state != "expired" and service == "alert", webhook({url: %q, wait: 0, batch: 1}));
`, ttl, j.target.URL)
}

// account is what became of events, as senders know it.
type account struct {
	mu                            sync.Mutex
	sent, taken, shed, unanswered int
	other                         map[string]int // answers ok = false for another reason, by its text
}

func (a *account) add(events int, m *wire.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var left, of int
	switch {
	case m == nil:
		a.unanswered += events
	case m.OK:
		a.taken += events
	default:
		if n, _ := fmt.Sscanf(m.Error, "overloaded: %d of %d events shed", &left, &of); n == 2 && of == events {
			a.shed += left
			a.taken += events - left
			return
		}
		if a.other == nil {
			a.other = map[string]int{}
		}
		a.other[m.Error] += events
	}
}

// talk sends what next makes over one connection, up to depth messages at a time, until end, and notes the answers.
func talk(addr string, depth int, end time.Time, a *account, next func() []event.Event) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer nc.Close()
	nc.SetDeadline(end.Add(30 * time.Second))
	sizes := make(chan int, depth) // of the messages that are not answered
	go func() {
		defer close(sizes)
		var out []byte
		for time.Now().Before(end) {
			events := next()
			out = wire.AppendFrame(out[:0], &wire.Msg{Events: events})
			a.mu.Lock()
			a.sent += len(events)
			a.mu.Unlock()
			sizes <- len(events)
			if _, err := nc.Write(out); err != nil {
				return
			}
		}
	}()
	frames, decoder := wire.NewFrameReader(nc, 1<<20), wire.NewDecoder(wire.DefaultLimits)
	for n := range sizes {
		a.add(n, answerOf(frames, decoder))
	}
}

// answerOf returns the next answer; nil when the connection has ended.
func answerOf(frames *wire.FrameReader, decoder *wire.Decoder) *wire.Msg {
	for {
		payload, ok, err := frames.Next()
		switch {
		case ok:
			var m wire.Msg
			if decoder.Decode(&m, payload) != nil {
				return nil
			}
			return &m
		case err != nil, frames.Fill() != nil:
			return nil
		}
	}
}

// flood sends for so long, as fast as zeta answers: over TCP repeats of known sources and new ones without end;
// datagrams; and changes of state, each of which must become an alert.
type flood struct {
	tcp       account
	datagrams int
	changes   account
	numbers   int // of the changes
}

func (f *flood) run(t *testing.T, c *child, d time.Duration) {
	end := time.Now().Add(d)
	var all sync.WaitGroup
	text := strings.Repeat("what is said about it ", 20)
	for i := range 4 {
		round := 0
		events := make([]event.Event, 500)
		all.Go(func() {
			talk(c.tcp, 4, end, &f.tcp, func() []event.Event {
				round++
				for k := range events {
					e := event.Event{}
					e.SetHost(fmt.Sprint("tcp", i))
					e.SetService("known " + strconv.Itoa(k))
					if k%2 == 1 {
						e.SetService(fmt.Sprint("new ", round, " ", k))
						e.SetDescription(text)
					}
					e.SetState("ok")
					e.SetInt(int64(round))
					events[k] = e
				}
				return events
			})
		})
	}
	all.Go(func() {
		nc, err := net.Dial("udp", c.tcp)
		if err != nil {
			return
		}
		defer nc.Close()
		for i := 0; time.Now().Before(end); i++ {
			e := plainEvent("datagram " + strconv.Itoa(i%100))
			e.SetHost("udp")
			if _, err := nc.Write(wire.AppendMsg(nil, &wire.Msg{Events: []event.Event{e}})); err == nil {
				f.datagrams++
			}
			if i%20 == 0 {
				time.Sleep(time.Millisecond) // leaves the machine some room for the rest
			}
		}
	})
	all.Go(func() {
		talk(c.tcp, 1, end, &f.changes, func() []event.Event {
			f.numbers++
			e := plainEvent("alert")
			e.SetHost("alerts")
			e.SetState([...]string{"critical", "ok"}[f.numbers%2])
			e.SetInt(int64(f.numbers))
			return []event.Event{e}
		})
	})
	all.Wait()
}

// total returns a figure of /metrics, all that begin like this added up.
func (c *child) total(begin string) (n float64) {
	_, body := c.get("/metrics")
	for _, m := range regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(begin)+`\S* (\S+)$`).FindAllStringSubmatch(body, -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		n += x
	}
	return n
}

var anonymousSize = regexp.MustCompile(`RssAnon:\s+(\d+) kB`)

// anonymous returns the child's resident bytes that no file backs, which the kernel could take back: what a limit of
// memory is about. 0 where the system does not tell.
func (c *child) anonymous() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	m := anonymousSize.FindSubmatch(text)
	if m == nil {
		return 0
	}
	kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kib << 10
}

// watch notes the largest memory and level of a child until stop is called.
func (c *child) watch() (stop func() (memory int64, level float64)) {
	quit, done := make(chan struct{}), make(chan struct{})
	var memory int64
	var level float64
	go func() {
		defer close(done)
		for {
			memory, level = max(memory, c.anonymous()), max(level, c.total("zeta_memory_level"))
			select {
			case <-quit:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() (int64, float64) {
		close(quit)
		<-done
		return memory, level
	}
}

// verdict holds zeta to its word after a flood: every event is accounted for, and each change has alerted.
func (f *flood) verdict(t *testing.T, j *judge, c *child) {
	t.Helper()
	select {
	case <-c.ended:
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	default:
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if status, _ := c.get("/readyz"); status == http.StatusOK && c.total("zeta_memory_level") == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("memory is not calm again after two minutes:\n%s", c.log)
		}
	}
	evaluated := map[string]int{}
	_, body := c.get("/api/v1/query?q=host%20%3D%20%22count%22")
	var answer struct {
		Events []struct {
			Service string
			Metric  float64
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, e := range answer.Events {
		evaluated[e.Service] = int(e.Metric)
	}
	a := &f.tcp
	t.Logf("TCP: %d events sent, %d evaluated, %d shed, %d not answered, refused otherwise: %v", a.sent, evaluated["tcp"], a.shed, a.unanswered, a.other)
	if a.sent != a.taken+a.shed || evaluated["tcp"] != a.taken {
		t.Errorf("%d sent are not %d taken and %d shed; %d were evaluated", a.sent, a.taken, a.shed, evaluated["tcp"])
	}
	if n := int(c.total(`zeta_server_shed_total{class="C",listener="tcp"`) + c.total(`zeta_server_shed_total{class="B",listener="tcp"`)); n != a.shed+f.changes.shed {
		t.Errorf("zeta counts %d events over TCP as shed, senders %d", n, a.shed+f.changes.shed)
	}

	lost, shed := int(c.total(`zeta_server_datagrams_lost_total{listener="udp"}`)), int(c.total(`zeta_server_shed_total{class="C",listener="udp"`))
	refused := int(c.total(`zeta_server_refusals_total{listener="udp"`))
	unexplained := f.datagrams - evaluated["udp"] - lost - shed - refused
	t.Logf("UDP: %d datagrams sent, %d evaluated, %d shed, %d over the rate, %d lost in the kernel, %d unexplained", f.datagrams, evaluated["udp"], shed, refused, lost, unexplained)
	if unexplained < 0 || unexplained > f.datagrams/100 {
		t.Errorf("what became of %d datagrams is not known", unexplained)
	}

	changes := &f.changes
	if changes.taken+changes.shed != f.numbers || changes.taken == 0 || changes.shed > 0 {
		t.Errorf("of %d changes of state %d were taken, %d shed, %d not answered, others %v", f.numbers, changes.taken, changes.shed, changes.unanswered, changes.other)
	}
	until(t, "every change has alerted", func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.seen["alerts"]) >= changes.taken
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, n := range j.seen["alerts"] {
		if i > 0 && n <= j.seen["alerts"][i-1] {
			t.Fatalf("alert %d came after %d", n, j.seen["alerts"][i-1])
		}
	}
	t.Logf("%d changes of state, none shed, %d alerts", f.numbers, len(j.seen["alerts"]))
}

// TestOverload floods a zeta with little memory: it stays within it, knows what became of every event, and all
// changes of state alert.
func TestOverload(t *testing.T) {
	const limit = 128 << 20
	j := newJudge(t)
	s := newSetup(t, `memory("128 MiB");`+overloadRules(j, 4))
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	var f flood
	stop := c.watch()
	f.run(t, c, time.Duration(size(3, 60))*time.Second)
	memory, level := stop()
	t.Logf("at most %d MiB resident of %d, highest level %.0f", memory>>20, limit>>20, level)
	if memory > limit {
		t.Errorf("%d MiB were resident, the limit is %d", memory>>20, limit>>20)
	}
	if level < 2 {
		t.Errorf("the highest level was %.0f: memory was not scarce", level)
	}
	s.write(overloadRules(j, 4)) // without the limit zeta answers queries at once
	resp, err := http.Post("http://"+c.http+"/api/v1/reload", "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("reload: %v, %v", resp, err)
	}
	resp.Body.Close()
	f.verdict(t, j, c)
	if f.tcp.shed == 0 {
		t.Error("nothing was shed: it was no overload")
	}
}

// TestMemoryGroup floods a zeta in a control group with 256 MiB, which it finds out by itself; the kernel, which would
// kill it, has no cause to.
func TestMemoryGroup(t *testing.T) {
	const limit = 256 << 20
	procs := memoryGroup(t, limit)
	j := newJudge(t)
	s := newSetup(t, overloadRules(j, size(4, 20)))
	s.group = procs
	c := s.start("")
	if !c.ready() {
		t.Fatalf("zeta ended by itself:\n%s", c.log)
	}
	if got := int64(c.total("zeta_memory_limit_bytes")); got != limit-64<<20 {
		t.Errorf("zeta found a limit of %d bytes, want 64 MiB less than %d", got, limit)
	}
	var f flood
	stop := c.watch()
	f.run(t, c, time.Duration(size(3, 60))*time.Second)
	memory, level := stop()
	t.Logf("at most %d MiB resident in a group of %d, highest level %.0f", memory>>20, limit>>20, level)
	f.verdict(t, j, c)
}

// memoryGroup makes a control group that allows so many bytes and returns the file that takes its processes. Where
// none can be made the test is skipped.
func memoryGroup(t *testing.T, limit int64) (procs string) {
	t.Helper()
	var why []string
	for _, g := range []struct{ root, limit string }{{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}} {
		dir := filepath.Join(g.root, fmt.Sprint("zeta-faults-", os.Getpid()))
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			t.Cleanup(func() { os.Remove(dir) }) // after the child has ended, whose end was registered later
			err = os.WriteFile(filepath.Join(dir, g.limit), []byte(fmt.Sprint(limit)), 0o644)
		}
		if err == nil {
			return filepath.Join(dir, "cgroup.procs")
		}
		why = append(why, err.Error())
	}
	t.Skipf("no control group can be made here: %s", strings.Join(why, "; "))
	return ""
}
