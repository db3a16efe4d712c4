package overload

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLevelsFallTenPointsBelowWhereTheyRise(t *testing.T) {
	for _, c := range []struct {
		from    Level
		percent float64
		want    Level
	}{
		{Calm, 69.9, Calm}, {Calm, 70, Sparing}, {Calm, 80, Pacing}, {Calm, 90, Shedding}, {Calm, 95, Closing}, {Calm, 300, Closing},
		{Sparing, 60, Sparing}, {Sparing, 59.9, Calm}, {Sparing, 79.9, Sparing}, {Sparing, 80, Pacing},
		{Closing, 85, Closing}, {Closing, 84.9, Shedding}, {Closing, 79.9, Pacing}, {Closing, 69.9, Sparing}, {Closing, 0, Calm},
	} {
		if got := c.from.next(c.percent); got != c.want {
			t.Errorf("%v at %v %%: %v, want %v", c.from, c.percent, got, c.want)
		}
	}
}

// fake is a watch whose memory is a script.
type fake struct {
	*Watch
	mu      sync.Mutex
	heap    heap
	held    int64
	told    []string
	collect int
}

func newFake() *fake {
	f := &fake{}
	f.Watch = New(
		func() []Place {
			defer f.lock()()
			return []Place{{"a", f.held / 2}, {"b", f.held - f.held/2}}
		},
		func(from, to Level, s Status) {
			defer f.lock()()
			f.told = append(f.told, fmt.Sprintf("%v→%v %.0f", from, to, s.Percent))
		})
	f.measure = func() heap {
		defer f.lock()()
		return f.heap
	}
	f.Watch.collect = func() {
		defer f.lock()()
		f.collect++
		f.heap.cycles++
	}
	return f
}

func (f *fake) lock() (unlock func()) {
	f.mu.Lock()
	return f.mu.Unlock
}

func (f *fake) set(held, heap int64) {
	defer f.lock()()
	f.held, f.heap.bytes = held, heap
}

func (f *fake) collections() int {
	defer f.lock()()
	return f.collect
}

func (f *fake) changes() []string {
	defer f.lock()()
	return slices.Clone(f.told)
}

func TestWatchGoesByTheGreaterOfWhatIsSaidAndMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { f.Run(ctx); close(done) }()
		f.set(0, 1<<40)
		time.Sleep(time.Minute)
		if f.Level() != Calm || len(f.changes()) > 0 {
			t.Fatalf("without a limit the level is %v", f.Level())
		}
		f.set(0, 100)
		f.SetLimit(1800)
		step := func(held, heap int64, want Level) {
			t.Helper()
			f.set(held, heap)
			time.Sleep(2 * lookEvery)
			if got := f.Level(); got != want {
				t.Errorf("%d held, %d measured, of %d: %v, want %v", held, heap, f.Limit(), got, want)
			}
		}
		step(0, 629, Calm)
		step(630, 0, Sparing)
		step(0, 720, Pacing)
		step(815, 720, Shedding)
		step(900, 10, Closing)
		if s := f.Status(); s.Used != 900 || s.Held != 900 || s.Heap != 10 || s.Limit != 900 || s.Percent != 100 || len(s.Places) != 2 {
			t.Errorf("status %+v", s)
		}
		step(700, 0, Pacing)
		step(0, 0, Calm)
		f.mu.Lock()
		f.heap.taken = 910
		f.mu.Unlock()
		step(10, 10, Shedding) // the collector does not keep up
		f.mu.Lock()
		f.heap.taken = 0
		f.mu.Unlock()
		step(0, 0, Calm)
		want := []string{"calm→sparing 70", "sparing→pacing 80", "pacing→shedding 91", "shedding→closing 100", "closing→pacing 78", "pacing→calm 0", "calm→shedding 91", "shedding→calm 0"}
		if told := f.changes(); !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		step(0, 900, Closing)
		f.SetLimit(0)
		time.Sleep(2 * lookEvery)
		if f.Level() != Calm {
			t.Errorf("when the limit is gone the level is %v", f.Level())
		}
		cancel()
		<-done
	})
}

// TestGarbageDoesNotKeepTheLevelUp: when nobody allocates nobody collects, and what was measured last would stay.
func TestGarbageDoesNotKeepTheLevelUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { f.Run(ctx); close(done) }()
		f.SetLimit(1800)
		f.set(0, 500)
		time.Sleep(time.Minute)
		if n := f.collections(); n != 0 {
			t.Errorf("%d collections were asked for while all was calm", n)
		}
		f.set(0, 800)
		time.Sleep(time.Minute)
		if n := f.collections(); n < 10 || n > 12 {
			t.Errorf("%d collections in a minute, want one in five seconds", n)
		}
		cancel()
		<-done
	})
}

// TestTurns: while memory is scarce each sender goes on in a part of the time, every one of them, and none when it
// is someone else's turn.
func TestTurns(t *testing.T) {
	for level, used := range map[Level]int64{Sparing: 70, Pacing: 80, Shedding: 90, Closing: 95} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { f.Run(ctx); close(done) }()
			f.set(0, used*9)
			f.SetLimit(1800)
			time.Sleep(2*lookEvery + time.Millisecond)
			if f.Level() != level {
				t.Fatalf("%v, want %v", f.Level(), level)
			}
			for sender := range uint64(16) {
				waited := f.Turn(nil, sender)
				share := time.Duration(1)
				if level >= Pacing {
					share = time.Duration(shares[level])
				}
				if most := (share - 1) * lookEvery; waited > most {
					t.Errorf("at %v sender %d waited %v, want at most %v", level, sender, waited, most)
				}
				if level >= Pacing { // then it is not at once the turn of the next one
					if waited := f.Turn(nil, sender+1); waited == 0 {
						t.Errorf("at %v sender %d goes on together with %d", level, sender+1, sender)
					}
				}
			}
			quit := make(chan struct{})
			close(quit)
			for sender := range uint64(8) {
				if waited := f.Turn(quit, sender); waited != 0 {
					t.Errorf("sender %d waited %v although it is to end", sender, waited)
				}
			}
			waiting := make(chan struct{})
			go func() {
				for sender := range uint64(8) {
					f.Turn(nil, sender)
				}
				close(waiting)
			}()
			cancel() // nobody waits for a watch that has ended
			<-done
			<-waiting
		})
	}
}

// TestMeter holds on to memory, and lets go of it.
func TestMeter(t *testing.T) {
	m := newMeter()
	runtime.GC()
	before := m.read()
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = 1
	}
	runtime.GC()
	with := m.read()
	if grown := with.bytes - before.bytes; grown < 60<<20 || grown > 80<<20 {
		t.Errorf("64 MiB more are measured as %d", grown)
	}
	if with.cycles == before.cycles {
		t.Error("a collection was not seen")
	}
	runtime.KeepAlive(block)
	block = nil
	runtime.GC()
	if left := m.read().bytes - before.bytes; left > 8<<20 {
		t.Errorf("of garbage %d bytes are counted", left)
	}
}

func TestGroupLimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		cgroup string
		files  map[string]string
		want   int64
	}{
		{"version 2", "0::/system.slice/zeta.service\n", map[string]string{"/sys/fs/cgroup/system.slice/zeta.service/memory.max": "1000\n"}, 1000},
		{"no limit", "0::/a\n", map[string]string{"/sys/fs/cgroup/a/memory.max": "max\n"}, 0},
		{"nothing known", "", nil, 0},
		{"a lower limit above", "0::/a/b\n", map[string]string{"/sys/fs/cgroup/a/b/memory.max": "2000\n", "/sys/fs/cgroup/a/memory.max": "1500"}, 1500},
		{"version 1", "5:devices:/x\n4:cpu,memory:/x\n0::/\n", map[string]string{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "3000\n", "/sys/fs/cgroup/x/memory.max": "1"}, 3000},
		{"version 1 without a limit", "4:memory:/x\n", map[string]string{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"in a container, whose root is the group", "4:memory:/docker/abc\n", map[string]string{"/sys/fs/cgroup/memory/memory.limit_in_bytes": "4000\n"}, 4000},
		{"both", "4:memory:/x\n0::/y\n", map[string]string{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "5000", "/sys/fs/cgroup/y/memory.max": "4500"}, 4500},
		{"junk", "4:memory\n:\n::\n0::/a\n", map[string]string{"/sys/fs/cgroup/a/memory.max": "-5\n"}, 0},
	} {
		got := GroupLimit(func(name string) ([]byte, error) {
			if name == "/proc/self/cgroup" {
				return []byte(c.cgroup), nil
			}
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"512 MiB": 512 << 20, "2GB": 2e9, "1.5 GiB": 3 << 29, "1000000": 1e6, "64 kb": 64_000, "7B": 7} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "x", "12 XB", "-1 GB", "1e40", "NaN", "1 GB 2", "1 M"} {
		if got, err := ParseBytes(text); err == nil || !strings.Contains(err.Error(), "512 MiB") {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
