package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what else happens on it during a run.
type machine struct {
	began time.Time
	busy  time.Duration // of all cores, before
	ours  time.Duration
}

func watchMachine() *machine {
	return &machine{time.Now(), busyTime(), oursTime()}
}

// describe names the machine and the versions.
func (m *machine) describe() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	var u unix.Utsname
	unix.Uname(&u)
	return fmt.Sprintf("machine: %d cores %s, %s %s, %s, %s", runtime.NumCPU(), model, runtime.GOOS, unix.ByteSliceToString(u.Release[:]), runtime.Version(), time.Now().Format(time.DateOnly))
}

// others says how many cores other processes kept busy since the start.
func (m *machine) others() string {
	took := time.Since(m.began)
	others := busyTime() - m.busy - (oursTime() - m.ours)
	return fmt.Sprintf("the run took %.0f s; other processes kept %.2f of %d cores busy meanwhile", took.Seconds(), max(0, others.Seconds()/took.Seconds()), runtime.NumCPU())
}

// busyTime is the CPU time of everything since the machine started, stolen time included.
func busyTime() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal)
	return time.Duration(user+nice+system+irq+softirq+steal) * 10 * time.Millisecond
}

// oursTime is the CPU time of this process and of the children that have ended.
func oursTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}
