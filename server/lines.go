package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"zeta/event"
	"zeta/lines"
	"zeta/tls"
)

// lineDoor is the engine of the listeners that take text lines over TCP, UDP or both, each protocol in its own
// file: it splits, bounds and counts; what a line means is for the protocol.
type lineDoor struct {
	server   *Server
	kind     string
	opts     lineOptions
	protocol lineProtocol
	toll     *toll                     // of connections; the datagrams have their own
	tcp      *acceptor                 // nil: none
	udp      *datagrams                // nil: none
	work     func(ctx context.Context) // runs beside, until ctx is done; nil: nothing to do
	stop     func()                    // runs after the last line; nil: nothing to do
}

// lineOptions are the options that these listeners have in common.
type lineOptions struct {
	address  string
	allow    []string
	protocol string // "tcp", "udp" or "both"
	tls      *TLSOptions
	insecure bool
	host     string // see hostOf
	LineLimits
}

// lineProtocol says what the lines of a protocol mean.
type lineProtocol struct {
	// take appends the events of one line, without its end, to dst; they do not refer to line. host is that of
	// events that name none, "" for none. An error refuses the line and is counted, a *lines.Error under its
	// reason; a connection goes on with the next line.
	take func(dst []event.Event, line []byte, host string) ([]event.Event, error)

	// skip reports whether a line holds no data, but is only to be answered. nil: none is.
	skip func(line []byte) bool

	// answer returns what a TCP peer is told about a line, nil for nothing; quit ends the connection. nil:
	// nothing is ever answered.
	answer func(line []byte, err error) (reply []byte, quit bool)

	// next returns how many bytes of b the first message takes and the message itself, 0 bytes if it is not
	// here whole. nil: messages are lines that end with LF or CRLF. An error ends the connection.
	next func(b []byte) (n int, line []byte, err error)

	whole bool // a datagram is one message, whatever it holds
}

// openLines opens the sockets of a listener.
func openLines(s *Server, kind string, o lineOptions, p lineProtocol) (*lineDoor, error) {
	d := &lineDoor{server: s, kind: kind, opts: o, protocol: p, toll: newToll(o.RateLimits)}
	if p.next == nil {
		d.protocol.next = nextLine
	}
	isUDP, isTCP := o.protocol != "tcp", o.protocol != "udp"
	protected, protection := len(o.allow) > 0 || o.tls != nil && !isUDP, `{allow: ["10.0.0.0/8"]} with the senders' networks`
	if err := checkBind(kind, o.address, protected, o.insecure, protection); err != nil {
		return nil, err
	}
	allow, err := networks(o.allow)
	if err != nil {
		return nil, fmt.Errorf("listen.%s(%q): %w", kind, o.address, err)
	}
	if isTCP {
		if d.tcp, err = accepting(s, kind, o.address, o.tls, o.ConnLimits, allow, d.converse); err != nil {
			return nil, err
		}
		o.address = d.tcp.l.Addr().String() // the same port for both
	}
	if isUDP {
		var events []event.Event
		if d.udp, err = receiving(s, kind, packetOptions{address: o.address, allow: o.allow, PacketLimits: o.PacketLimits, RateLimits: o.RateLimits},
			func(b []byte, from netip.AddrPort) (paid int) {
				events, paid = d.packet(events, b, from)
				return paid
			}); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// Kind implements listener.
func (d *lineDoor) Kind() string { return d.kind }

// Addr implements listener.
func (d *lineDoor) Addr() net.Addr {
	if d.tcp != nil {
		return d.tcp.l.Addr()
	}
	return d.udp.c.LocalAddr()
}

// Connections implements listener.
func (d *lineDoor) Connections() int {
	if d.tcp == nil {
		return 0
	}
	return d.tcp.connections()
}

// kernelLost returns how many datagrams the kernel has dropped.
func (d *lineDoor) kernelLost() uint64 {
	if d.udp == nil {
		return 0
	}
	return d.udp.kernelLost()
}

// certificate returns what holds the listener's certificate; nil without TLS.
func (d *lineDoor) certificate() *tls.Server {
	if d.tcp == nil {
		return nil
	}
	return d.tcp.secure
}

// Serve implements listener.
func (d *lineDoor) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.work != nil {
		d.server.running.Go(func() { d.work(ctx) })
	}
	switch {
	case d.tcp == nil:
		d.udp.serve()
	case d.udp == nil:
		d.tcp.serve(ctx)
	default:
		d.server.running.Go(d.udp.serve)
		d.tcp.serve(ctx)
	}
	return nil
}

// Close implements listener.
func (d *lineDoor) Close() {
	if d.tcp != nil {
		d.tcp.l.Close()
	}
	if d.udp != nil {
		d.udp.close()
	}
}

// Drain implements listener.
func (d *lineDoor) Drain(ctx context.Context) {
	if d.tcp != nil {
		d.tcp.drain(ctx)
	}
	if d.udp != nil {
		<-d.udp.done
	}
	if d.stop != nil {
		d.stop()
	}
}

// converse takes the lines of a connection until the peer leaves or does something wrong. A line without an end
// counts when the peer has left.
func (d *lineDoor) converse(c *session) {
	l := &lineConn{lineDoor: d, c: c, host: d.hostOf(c.ip)}
	number := d.server.pressure.senders.Add(1)
	var (
		known = false // the first bytes have been looked at
		buf   = make([]byte, lineBuffer)
		held  int       // bytes of a message that is not here whole
		begun time.Time // when it began
	)
	for {
		if waited := d.server.pressure.Turn(c.quit, number); waited > 0 {
			d.server.metrics.throttled(d.kind, waited)
			begun = time.Time{} // it was not the sender who was slow
		}
		var deadline time.Time
		switch {
		case held > 0:
			if begun.IsZero() {
				begun = time.Now()
			}
			deadline = begun.Add(frameGrace + time.Duration(held)*time.Second/slowRate)
		case d.opts.Idle > 0:
			deadline = time.Now().Add(d.opts.Idle)
		}
		c.setReadDeadline(deadline)
		n, err := c.Read(buf[held:])
		if !known && held+n >= firstBytes {
			known = true
			if isForeign(buf[:held+n]) {
				d.server.refusals.refuse(d.kind, "wrong_protocol", c.remote, fmt.Errorf("the connection begins with %s; %s", spoken(buf[:held+n]), adviceOn(buf[:held+n])))
				return
			}
		}
		rest, more := l.run(buf[:held+n], err == io.EOF)
		if !more {
			return
		}
		if slept := d.toll.hold(c.quit, peerOf(c.ip), l.taken); slept > 0 {
			d.server.metrics.throttled(d.kind, slept)
			begun = time.Time{} // it was not the sender who was slow
		}
		l.taken = 0
		if err != nil {
			d.left(c, err, len(rest))
			return
		}
		if len(rest) < held+n {
			begun = time.Time{} // what is left is another message
		}
		if len(rest) >= d.opts.MaxLine+lineSlack {
			d.oversize(c)
			return
		}
		if len(rest) == 0 && len(buf) > maxUnanswered {
			buf = make([]byte, lineBuffer) // a long line does not keep its room
		} else if len(rest) > len(buf)/2 {
			buf = append(make([]byte, 0, 2*len(buf)), rest...)
			buf = buf[:cap(buf)]
		} else {
			copy(buf, rest)
		}
		held = len(rest)
	}
}

// lineBuffer is how many bytes a connection reads at a time, unless a line is longer.
const lineBuffer = 8 << 10

// firstBytes are enough to tell another protocol.
const firstBytes = 4

// isForeign reports whether a connection for lines begins with what is none: a request of HTTP, a hello of TLS or
// SSH, or the length of one of Riemann's messages.
func isForeign(b []byte) bool {
	return b[0] == 0x16 && b[1] == 3 || b[0] == 0 || startsLikeHTTP(b) || string(b[:4]) == "SSH-"
}

// lineSlack is what may stand around a message: its end, or its length in digits.
const lineSlack = 16

func (d *lineDoor) oversize(c *session) {
	d.server.refusals.refuse(d.kind, "oversize", c.remote, fmt.Errorf("a line of more than %d bytes; raise maxLine to allow longer ones", d.opts.MaxLine))
}

// left notes why reading ended.
func (d *lineDoor) left(c *session, err error, held int) {
	timeout := errors.Is(err, os.ErrDeadlineExceeded) && !c.isClosing()
	switch {
	case timeout && held > 0:
		d.server.refusals.refuse(d.kind, "slow", c.remote, errors.New("a line did not arrive in time"))
	case timeout:
		d.server.refusals.refuse(d.kind, "idle", c.remote, errors.New("nothing came for "+d.opts.Idle.String()))
	case err != io.EOF && !errors.Is(err, net.ErrClosed):
		d.server.log.Debug("connection ended", "listener", d.kind, "remote", c.remote, "err", err)
	}
}

// lineConn is what a connection holds while its lines are taken.
type lineConn struct {
	*lineDoor
	c      *session
	host   string
	events []event.Event
	out    []byte
	taken  int // events to pay for
}

// run takes the messages that are whole, the last one as it is when there will be no more, and returns what is
// left. more is false when the connection is to end.
func (l *lineConn) run(b []byte, last bool) (rest []byte, more bool) {
	more = true
	for more && len(b) > 0 {
		n, line, err := l.protocol.next(b)
		if err != nil {
			l.server.refusals.refuse(l.kind, "framing", l.c.remote, err)
			more = false
			break
		}
		if n == 0 {
			if !last {
				break
			}
			n, line = len(b), b
		}
		if len(line) > l.opts.MaxLine {
			l.oversize(l.c)
			more = false
			break
		}
		b = b[n:]
		if l.protocol.skip == nil || !l.protocol.skip(line) {
			had := len(l.events)
			l.events, err = l.line(l.events, line, l.host, l.c.remote)
			l.taken += worth(len(l.events) - had)
		}
		if l.protocol.answer != nil {
			reply, quit := l.protocol.answer(line, err)
			l.out, more = append(l.out, reply...), !quit
		}
		if len(l.events) >= eventsPerRun {
			l.give()
		}
		if len(l.out) >= maxUnanswered {
			l.give() // an answer says that the event has run
			more = l.flush() && more
		}
	}
	l.give()
	return b, l.flush() && more
}

// give lets the events in that have been read.
func (l *lineConn) give() {
	l.ingest(l.events, l.c.remote)
	clear(l.events)
	l.events = l.events[:0]
}

// flush writes the answers; false says that the peer does not take them.
func (l *lineConn) flush() bool {
	if len(l.out) == 0 {
		return true
	}
	l.c.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := l.c.Write(l.out)
	l.out = l.out[:0]
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.server.refusals.refuse(l.kind, "noread", l.c.remote, errors.New("the peer does not read its answers"))
	}
	return err == nil
}

// packet takes the lines of a datagram, into the room of events, and returns how many events they are worth.
func (d *lineDoor) packet(events []event.Event, b []byte, from netip.AddrPort) (room []event.Event, paid int) {
	host, remote := d.hostOf(from.Addr()), from.String()
	take := func(line []byte) {
		had := len(events)
		events, _ = d.line(events, line, host, remote) // the refusal is counted
		paid += worth(len(events) - had)
	}
	if d.protocol.whole {
		take(bytes.TrimRight(b, "\r\n\x00"))
	} else {
		for line := range bytes.Lines(b) {
			take(bytes.TrimRight(line, "\r\n"))
		}
	}
	d.ingest(events, remote)
	clear(events)
	return events[:0], paid
}

// worth is what a line with so many events costs its sender: one without any, refused or only added up, costs
// as much as one.
func worth(events int) int { return max(events, 1) }

// line takes one line and counts what is refused.
func (d *lineDoor) line(events []event.Event, line []byte, host, remote string) ([]event.Event, error) {
	had := len(events)
	events, err := d.protocol.take(events, line, host)
	if len(events)-had > maxLineEvents {
		events, err = events[:had+maxLineEvents], fmt.Errorf("%d events in one line, limit %d; the others are dropped", len(events)-had, maxLineEvents)
	}
	if err != nil {
		reason := "line"
		if named := (*lines.Error)(nil); errors.As(err, &named) {
			reason = named.Reason
		}
		d.server.refusals.refuse(d.kind, reason, remote, err)
	}
	return events, err
}

// maxLineEvents bounds the events of one line.
const maxLineEvents = 4096

func (d *lineDoor) ingest(events []event.Event, remote string) {
	if len(events) == 0 {
		return
	}
	if err := d.server.engine.Ingest(events); err != nil {
		d.server.untaken(d.kind, remote, err)
	}
}

// hostOf returns the host of events that name none: what the option says, or for "peer" the sender's address; a
// sender on this machine has this machine's name.
func (d *lineDoor) hostOf(ip netip.Addr) string {
	if d.opts.host != peerHost {
		return d.opts.host
	}
	return hostOfPeer(ip)
}

// peerHost is the value of the option host that stands for the sender's address.
const peerHost = "peer"

// machine is this machine's name, "" if it has none.
var machine = sync.OnceValue(func() string {
	name, _ := os.Hostname() // without one, addresses do
	return name
})

func hostOfPeer(ip netip.Addr) string {
	if name := machine(); name != "" && ip.IsLoopback() {
		return name
	}
	return ip.Unmap().WithZone("").String()
}

// nextLine is the framing of lines that end with LF or CRLF.
func nextLine(b []byte) (n int, line []byte, err error) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return 0, nil, nil
	}
	return i + 1, bytes.TrimSuffix(b[:i], []byte{'\r'}), nil
}
