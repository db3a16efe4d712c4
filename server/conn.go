package server

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"zeta/event"
	"zeta/event/wire"
	"zeta/journal"
)

// Bounds of one connection.
const (
	maxUnanswered = 256 << 10        // bytes of answers that wait to be written before reading goes on
	turnBytes     = 1 << 20          // bytes handled before other connections get their turn
	writeTimeout  = 30 * time.Second // a peer that takes no answers for so long, at least half of it, is closed
	frameGrace    = 10 * time.Second // time for a frame, beside what its bytes need at slowRate
	slowRate      = 64 << 10         // bytes per second that a frame must arrive with
	lingerTime    = time.Second      // for a peer to read why it is closed
)

// conn is one connection that speaks Riemann's protocol. One goroutine reads, decodes, runs the engine and
// answers, unless the answers have to wait for the disk and there is more to do, see lateAnswers. They are in order, and a
// peer that does not read its answers is not read from.
type conn struct {
	server  *Server
	name    string // the listener's, for logs and metrics
	remote  string
	net     *session
	toll    *toll
	taken   int // events to pay for
	frames  *wire.FrameReader
	decoder *wire.Decoder
	stats   wire.Stats // already counted
	*desk              // while messages are handled, else nil
	ack     Ack
	pending position // what the answers on the desk wait for
	late    lateAnswers
	turn    int // bytes handled in this turn
	number  uint64
	held    int64 // bytes of it that are counted as under way
	events  int   // of the largest message on the desk
	idle    time.Duration

	writeBy time.Time // deadline of writes that is set
	partial time.Time // when the frame that is not here whole began; zero: none
	bounded bool      // a read deadline is set
}

// desk is what a connection needs while it handles messages. It is lent for one read, so that ten thousand
// idle connections do not keep the room of their largest message each.
type desk struct {
	msg wire.Msg
	out []byte // answers not yet written
}

var desks = sync.Pool{New: func() any { return &desk{} }}

func newConn(s *Server, name string, nc *session, limits wire.Limits, idle time.Duration, ack Ack) *conn {
	c := &conn{
		server:  s,
		name:    name,
		remote:  nc.remote,
		net:     nc,
		frames:  wire.NewFrameReader(nc.Conn, limits.Frame),
		decoder: wire.NewDecoder(limits),
		idle:    idle,
		ack:     ack,
		number:  s.pressure.senders.Add(1),
	}
	c.late.init(c)
	c.decoder.ShareHosts(s.index.HostName)
	return c
}

// serve runs the connection until the peer leaves, does something wrong, or the server shuts down.
func (c *conn) serve() {
	defer c.net.Close()
	defer c.late.drain()
	defer c.hold(0)
	for {
		if waited := c.server.pressure.Turn(c.net.quit, c.number); waited > 0 {
			c.server.metrics.throttled(c.name, waited)
			c.partial = time.Time{} // it was not the peer who was slow
		}
		c.setDeadline()
		before := c.frames.Partial()
		if err := c.frames.Fill(); err != nil {
			if c.waits(err) {
				continue
			}
			c.left(err)
			return
		}
		c.turn += c.frames.Partial() - before
		c.hold(int64(c.frames.Partial()))
		c.desk = desks.Get().(*desk)
		err := c.answerAll()
		c.count()
		werr := c.flush()
		desks.Put(c.desk)
		c.desk = nil
		c.events = 0
		c.hold(int64(c.frames.Partial()))
		if werr != nil {
			return
		}
		if err != nil {
			c.server.refusals.refuse(c.name, refusalReason(err), c.remote, err)
			c.linger()
			return
		}
		if c.toll != nil {
			c.slowDown()
		}
		if c.turn >= turnBytes {
			c.turn = 0
			runtime.Gosched()
		}
	}
}

// slowDown waits until the peer may send on, if it sends faster than it may.
func (c *conn) slowDown() {
	if slept := c.toll.hold(c.net.quit, peerOf(c.net.ip), c.taken); slept > 0 {
		c.server.metrics.throttled(c.name, slept)
		c.partial = time.Time{} // it was not the peer who was slow
	}
	c.taken = 0
}

// answerAll handles every frame that is here whole. After an error the connection cannot go on; the answer
// that says so has been appended.
func (c *conn) answerAll() error {
	for {
		payload, ok, err := c.frames.Next()
		if err != nil {
			var foreign *wire.WrongProtocol
			if !errors.As(err, &foreign) {
				c.refuse(err)
			}
			return err
		}
		if !ok {
			return c.room()
		}
		if err := c.answer(payload); err != nil {
			return err
		}
		c.partial = time.Time{} // what follows is a new frame
		if len(c.out) >= maxUnanswered {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
}

// answer handles one message: its events, then its query, then one answer.
func (c *conn) answer(payload []byte) error {
	if err := c.decoder.Decode(&c.msg, payload); err != nil {
		c.refuse(err)
		return err
	}
	c.taken += max(1, len(c.msg.Events))
	if n := len(c.msg.Events); n > c.events { // while it waits for the engine it takes room
		c.hold(c.held + int64(n-c.events)*eventBytes)
		c.events = n
	}
	if len(c.msg.Events) > 0 {
		p, err := c.server.engine.take(c.msg.Events, payload)
		c.pending.join(p)
		if err != nil && !(c.ack == AckProcessed && errors.Is(err, journal.ErrFull)) { // that the rules have run is true
			if isOverload(err) {
				c.server.untaken(c.name, c.remote, err)
			}
			c.refuse(err)
			return nil
		}
	}
	if !c.msg.HasQuery {
		c.out = append(c.out, wire.AckOK...)
		return nil
	}
	if err := c.answerQuery(); err != nil {
		c.server.refusals.refuse(c.name, reasonOf(err, "query"), c.remote, err)
		c.refuse(err)
	}
	return nil
}

// answerQuery appends the answer to the message's query; after an error nothing has been appended.
func (c *conn) answerQuery() error {
	at := len(c.out)
	out := wire.AppendFrame(c.out, &wire.Msg{OK: true, HasOK: true})
	err := c.server.scan(c.msg.Query, func(batch []event.Event) error {
		out = wire.AppendMsg(out, &wire.Msg{Events: batch}) // messages that follow one another are one message
		if len(out)-at > maxReply {
			return errReplyTooLarge
		}
		return nil
	})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	c.out = out
	return nil
}

// refuse appends the answer ok = false.
func (c *conn) refuse(err error) {
	c.out = wire.AppendFrame(c.out, &wire.Msg{HasOK: true, Error: err.Error(), HasError: true})
}

// flush sends the answers on the desk on their way.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	e, p := c.server.engine, c.pending
	c.pending = position{}
	if c.goesOn(p) {
		err := c.late.add(c.out, p)
		c.out = c.out[:0]
		if err == nil && e.journal.Behind() {
			_, err = c.late.drain()
		}
		return err
	}
	if err := e.await(context.Background(), p, c.ack); err != nil {
		c.undurable(err)
		return err
	}
	err := c.write(c.out)
	if cap(c.out) > maxUnanswered {
		c.out = nil // a large answer to a query is not kept for the next one
	}
	c.out = c.out[:0]
	return err
}

// goesOn reports whether the answers on the desk are to wait for the disk while the connection reads on: if others
// wait already, or if the peer does not seem to wait for each answer. One that does gets it sooner this way.
func (c *conn) goesOn(p position) bool {
	if len(c.out) > maxUnanswered { // of a query
		c.late.drain()
		return false
	}
	if c.late.busy() {
		return true
	}
	return (len(c.out) > len(wire.AckOK) || c.frames.Partial() > 0) && !c.server.engine.safe(p, c.ack)
}

// undurable notes that answers cannot be given: neither yes nor no would be true.
func (c *conn) undurable(err error) { c.server.refusals.refuse(c.name, "undurable", c.remote, err) }

// write writes answers. A peer that takes none of them for writeTimeout is closed.
func (c *conn) write(out []byte) error {
	// To move a deadline costs a part of a write, so it is moved when half of it is over.
	if now := time.Now(); c.writeBy.Sub(now) < writeTimeout/2 {
		c.writeBy = now.Add(writeTimeout)
		c.net.SetWriteDeadline(c.writeBy)
	}
	_, err := c.net.Write(out)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.refusals.refuse(c.name, "noread", c.remote, errors.New("the peer does not read its answers"))
		if tc, ok := c.net.Conn.(*net.TCPConn); ok {
			tc.SetLinger(0)
		}
	}
	return err
}

// setDeadline bounds the next read: a frame that has begun must arrive at slowRate, an idle peer may stay as
// long as the listener lets it.
func (c *conn) setDeadline() {
	var deadline time.Time
	if n := c.frames.Partial(); n > 0 {
		if c.partial.IsZero() {
			c.partial = time.Now()
		}
		deadline = c.partial.Add(frameGrace + time.Duration(n)*time.Second/slowRate)
	} else if c.idle > 0 {
		deadline = time.Now().Add(c.idle)
	}
	if deadline.IsZero() && !c.bounded {
		return
	}
	c.bounded = !deadline.IsZero()
	c.net.setReadDeadline(deadline)
}

// waits reports whether a read ended only because nothing came while the peer waited for an answer.
func (c *conn) waits(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || c.frames.Partial() > 0 || c.net.isClosing() {
		return false
	}
	waited, err := c.late.drain()
	return waited && err == nil
}

// left notes why reading ended.
func (c *conn) left(err error) {
	switch {
	case c.net.isClosing():
		c.linger()
	case err == io.EOF, errors.Is(err, net.ErrClosed):
	case errors.Is(err, os.ErrDeadlineExceeded) && c.frames.Partial() > 0:
		c.server.refusals.refuse(c.name, "slow", c.remote, errors.New("a frame did not arrive in time"))
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.server.refusals.refuse(c.name, "idle", c.remote, errors.New("nothing came for "+c.idle.String()))
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.server.refusals.refuse(c.name, "truncated", c.remote, err)
	default:
		c.server.log.Debug("connection ended", "listener", c.name, "remote", c.remote, "err", err)
	}
}

// linger lets the peer read the last answer: closing with unread input would reset the connection under it.
func (c *conn) linger() {
	c.late.drain()
	half, ok := c.net.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.net.SetReadDeadline(time.Now().Add(lingerTime))
	io.CopyN(io.Discard, c.net, maxUnanswered)
}

// count adds what the decoder mended to the metrics.
func (c *conn) count() {
	if now := c.decoder.Stats; now != c.stats {
		c.server.metrics.fixes(c.stats, now)
		c.stats = now
	}
}

// refusalReason sorts the error of a connection into one word.
func refusalReason(err error) string {
	var (
		decode  *wire.DecodeError
		foreign *wire.WrongProtocol
		frame   *wire.FrameError
	)
	switch {
	case isOverload(err):
		return "overloaded"
	case errors.As(err, &foreign):
		return "wrong_protocol"
	case errors.As(err, &frame):
		return "oversize"
	case errors.As(err, &decode) && decode.Limit:
		return "limit"
	case errors.As(err, &decode):
		return "decode"
	}
	return "other"
}
