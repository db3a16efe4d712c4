package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"zeta/tls"
)

// load is what a generator process is told.
type load struct {
	Network   string // tcp, tls, udp
	Addr      string
	CA        string // certificate file, for tls
	Sample    sample
	Conns     int
	Depth     int           // messages in flight on each connection
	Rate      float64       // events a second; 0: as many as go
	Time      time.Duration // to measure; 0: until each message has been sent once
	PID       int           // of the server
	Metrics   string        // its /metrics; "": its allocations are not counted
	Plain     bool          // the server answers nothing useful to compare with: any six bytes are an answer
	Calibrate time.Duration
}

// loadResult is what a generator process measured.
type loadResult struct {
	Events, Sent   uint64 // answered, or with UDP received; sent
	Seconds        float64
	CPU            float64 // of the server, ns an event
	P50, P99, P999 float64 // ms until a message was answered
	Allocs, Bytes  float64 // of the server, per event
	Calibration    float64 // ns an event
	RSS            float64 // of the server, MiB
	Journal        float64 // bytes its journal took, per event; 0: it has none
}

const ackBytes = 6

var ack = [ackBytes]byte{0, 0, 0, 2, 0x10, 1}

// run warms the server up with the whole pool and measures.
func (l *load) run() (*loadResult, error) {
	calibrated, err := l.calibration()
	if err != nil {
		return nil, err
	}
	p, err := l.Sample.make(time.Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	runtime.GC()
	gauge := &gauge{url: l.Metrics}
	if l.Network == "udp" {
		r, err := l.flood(p)
		if err != nil {
			return nil, err
		}
		return l.finish(r, calibrated)
	}
	lines := make([]*line, max(l.Conns, 1))
	for i := range lines {
		conn, err := l.dial()
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		lines[i] = &line{conn: conn, pool: p, depth: max(l.Depth, 1), next: i * p.messages() / len(lines), plain: l.Plain}
	}
	if l.Time > 0 { // each message once, or as many as half the time allows
		if err := together(lines, func(n *line) error {
			n.left = p.messages()/len(lines) + 1
			return n.pump(time.Now().Add(max(l.Time/2, 5*time.Second)))
		}); err != nil {
			return nil, err
		}
		if l.Rate > 0 {
			if err := together(lines, func(n *line) error { return n.pace(l.Rate/float64(len(lines)), l.Time/4) }); err != nil {
				return nil, err
			}
		}
	}
	for _, n := range lines {
		n.reset()
		if n.left = 1 << 62; l.Time == 0 {
			n.left = p.messages() / len(lines)
		}
	}
	if err := gauge.begin(); err != nil {
		return nil, err
	}
	cpu, began := cpuOf(l.PID), time.Now()
	err = together(lines, func(n *line) error {
		if l.Rate > 0 {
			return n.pace(l.Rate/float64(len(lines)), l.Time)
		}
		end := began.Add(l.Time)
		if l.Time == 0 {
			end = began.Add(time.Minute)
		}
		return n.pump(end)
	})
	took, cpu := time.Since(began), cpuOf(l.PID)-cpu
	if err != nil {
		return nil, err
	}
	var all latencies
	messages := 0
	for _, n := range lines {
		all.merge(&n.latency)
		messages += n.answered
	}
	r := &loadResult{Events: uint64(messages * p.events), Seconds: took.Seconds()}
	r.Sent = r.Events
	r.CPU = float64(cpu) / float64(r.Events)
	r.P50, r.P99, r.P999 = ms(all.quantile(0.5)), ms(all.quantile(0.99)), ms(all.quantile(0.999))
	if err := gauge.end(r); err != nil {
		return nil, err
	}
	return l.finish(r, calibrated)
}

// finish adds what is measured after the load.
func (l *load) finish(r *loadResult, before float64) (*loadResult, error) {
	r.RSS = rssOf(l.PID)
	after, err := l.calibration()
	r.Calibration = (before + after) / 2
	return r, err
}

func (l *load) calibration() (float64, error) {
	if l.Calibrate == 0 {
		return 0, nil
	}
	return calibrate(l.Sample.Shape, l.Calibrate)
}

func (l *load) dial() (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", l.Addr, 10*time.Second)
	if err != nil || l.Network != "tls" {
		return conn, err
	}
	config, err := tls.NewClient(tls.ClientFiles{CA: l.CA, ServerName: "localhost"})
	if err != nil {
		return nil, err
	}
	secure := tls.NewClientConn(conn, config)
	return secure, secure.Handshake()
}

// together runs f for all lines at once and returns the first error.
func together(lines []*line, f func(*line) error) error {
	errs := make(chan error, len(lines))
	for _, n := range lines {
		go func() { errs <- f(n) }()
	}
	var first error
	for range lines {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// line is one connection of a load.
type line struct {
	conn  net.Conn
	pool  *pool
	depth int
	next  int // message to send
	left  int // messages to send
	plain bool

	sent     []time.Time // when those not yet answered were sent, oldest first
	answered int
	latency  latencies
	buf      [ackBytes * 4096]byte
	have     int // bytes of an answer that is not here whole
}

func (n *line) reset() { n.answered, n.latency = 0, latencies{} }

// pump keeps depth messages in flight until end, or until none is left, and then waits for the answers.
func (n *line) pump(end time.Time) error {
	n.conn.SetDeadline(end.Add(30 * time.Second))
	for {
		now := time.Now()
		if room := min(n.depth-len(n.sent), n.left); room > 0 && now.Before(end) {
			if err := n.send(room, now); err != nil {
				return err
			}
		}
		if len(n.sent) == 0 {
			return nil
		}
		if err := n.receive(); err != nil {
			return err
		}
	}
}

// send writes k messages with one write, or two where the pool begins again.
func (n *line) send(k int, now time.Time) error {
	for range k {
		n.sent = append(n.sent, now)
	}
	n.left -= k
	for k > 0 {
		m := min(k, n.pool.messages()-n.next)
		if _, err := n.conn.Write(n.pool.bytes[n.pool.at[n.next]:n.pool.at[n.next+m]]); err != nil {
			return err
		}
		k -= m
		if n.next += m; n.next == n.pool.messages() {
			n.next = 0
		}
	}
	return nil
}

// receive reads what answers there are.
func (n *line) receive() error {
	got, err := n.conn.Read(n.buf[n.have:])
	if err != nil {
		return fmt.Errorf("waiting for %d answers: %w", len(n.sent), err)
	}
	got += n.have
	whole := got / ackBytes
	if whole > len(n.sent) {
		return fmt.Errorf("%d answers to %d messages", whole, len(n.sent))
	}
	for i := range whole {
		if a := [ackBytes]byte(n.buf[i*ackBytes:]); a != ack && !n.plain {
			return fmt.Errorf("the server refused a message: % x", a)
		}
	}
	n.have = copy(n.buf[:], n.buf[whole*ackBytes:got])
	now := time.Now()
	for i := range whole {
		n.latency.add(now.Sub(n.sent[i]), 1)
	}
	n.sent = append(n.sent[:0], n.sent[whole:]...)
	n.answered += whole
	return nil
}

// pace sends messages at a steady rate, whether or not they are answered, but never more than depth ahead. The
// time of an answer counts from when its message was written.
func (n *line) pace(rate float64, long time.Duration) error {
	n.conn.SetDeadline(time.Now().Add(long + 30*time.Second))
	every := time.Duration(float64(n.pool.events) / rate * 1e9)
	var (
		mu    sync.Mutex
		done  atomic.Bool
		errs  = make(chan error, 1)
		began = time.Now()
	)
	go func() { // answers
		for {
			var buf [ackBytes * 64]byte
			got, err := n.conn.Read(buf[:])
			if err != nil {
				errs <- err
				return
			}
			now := time.Now()
			mu.Lock()
			n.have += got
			whole := n.have / ackBytes
			n.have %= ackBytes
			for i := range whole {
				n.latency.add(now.Sub(n.sent[i]), 1)
			}
			n.sent = append(n.sent[:0], n.sent[whole:]...)
			n.answered += whole
			rest := len(n.sent)
			mu.Unlock()
			if done.Load() && rest == 0 {
				errs <- nil
				return
			}
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for due := began; ; due = due.Add(every) {
		if wait := time.Until(due); wait > 0 {
			t := unix.NsecToTimespec(int64(wait)) // the runtime's timers are too coarse
			unix.Nanosleep(&t, nil)
		}
		now := time.Now()
		last := now.Sub(began) >= long
		if last {
			done.Store(true) // before the last message is sent, whose answer ends the reader
		}
		mu.Lock()
		if len(n.sent) >= n.depth {
			mu.Unlock()
			if last && now.Sub(began) > long+10*time.Second {
				return fmt.Errorf("%d messages are not answered", n.depth)
			}
			continue
		}
		n.sent = append(n.sent, now)
		mu.Unlock()
		at := n.next
		if n.next++; n.next == n.pool.messages() {
			n.next = 0
		}
		if _, err := n.conn.Write(n.pool.bytes[n.pool.at[at]:n.pool.at[at+1]]); err != nil {
			return err
		}
		if last {
			return <-errs
		}
	}
}

// flood sends datagrams until the time is over; what the server has received is what it says.
func (l *load) flood(p *pool) (*loadResult, error) {
	conn, err := net.Dial("udp", l.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	sent := uint64(0)
	send := func(long time.Duration) error {
		end := time.Now().Add(long)
		for at := 0; time.Now().Before(end); {
			for range 16 {
				// UDP has no length in front: a datagram is a message.
				if _, err := conn.Write(p.bytes[p.at[at]+4 : p.at[at+1]]); err != nil {
					return err
				}
				sent += uint64(p.events)
				if at++; at == p.messages() {
					at = 0
				}
			}
			if l.Rate > 0 {
				time.Sleep(time.Duration(16 * float64(p.events) / l.Rate * 1e9))
			}
		}
		return nil
	}
	if err := send(l.Time / 2); err != nil {
		return nil, err
	}
	time.Sleep(50 * time.Millisecond)
	before, err := eventsOf(l.Metrics)
	if err != nil {
		return nil, err
	}
	sent = 0
	cpu, began := cpuOf(l.PID), time.Now()
	if err := send(l.Time); err != nil {
		return nil, err
	}
	took := time.Since(began)
	time.Sleep(50 * time.Millisecond) // what is in the socket's buffer is still taken
	cpu = cpuOf(l.PID) - cpu
	after, err := eventsOf(l.Metrics)
	if err != nil {
		return nil, err
	}
	if after <= before {
		return nil, fmt.Errorf("the server received none of %d events", sent)
	}
	return &loadResult{Events: uint64(after - before), Sent: sent, Seconds: took.Seconds(), CPU: float64(cpu) / (after - before)}, nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// rssOf returns a process's resident memory in MiB.
func rssOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident int
	fmt.Sscan(string(text), &size, &resident)
	return float64(resident*os.Getpagesize()) / (1 << 20)
}
