package server

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"zeta/event"

	"github.com/gorilla/websocket"
)

const (
	socketWrite = 5 * time.Second  // a subscriber that takes nothing for so long is closed
	pingEvery   = 30 * time.Second // pings keep the way open and find peers that are gone
	pongWait    = 75 * time.Second // a peer from which nothing comes for so long is closed
)

var upgrader = websocket.Upgrader{
	ReadBufferSize:  1 << 10,
	WriteBufferSize: 1 << 10,
	CheckOrigin:     func(*http.Request) bool { return true }, // guard has looked
	Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
		writeError(w, status, reason)
	},
}

// socket is our end of a websocket. The library reads; frames are written here, since those of subscriptions
// are made once for all subscribers and joined into one write.
type socket struct {
	h    *httpListener
	conn *websocket.Conn
	ctx  context.Context // done when the peer has gone or the server shuts down
	end  context.CancelFunc
	ping *time.Timer

	mu     sync.Mutex // one frame after another
	closed bool       // the closing frame has been written
}

// upgrade makes a websocket of a request; nil after an error, which has been answered. maxMessage bounds the
// peer's messages, in bytes.
func (h *httpListener) upgrade(w http.ResponseWriter, r *http.Request, maxMessage int64) *socket {
	if !h.begin() {
		writeError(w, http.StatusServiceUnavailable, errors.New("the server shuts down"))
		return nil
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.end()
		h.server.refusals.refuse("http", "websocket", r.RemoteAddr, err)
		return nil
	}
	s := &socket{h: h, conn: conn}
	s.ctx, s.end = context.WithCancel(h.server.ctx)
	conn.SetReadLimit(maxMessage)
	conn.SetReadDeadline(time.Now().Add(pongWait))
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(pongWait)) })
	conn.SetPingHandler(func(data string) error {
		conn.SetReadDeadline(time.Now().Add(pongWait))
		return s.write(appendFrame(nil, websocket.PongMessage, []byte(data)))
	})
	conn.SetCloseHandler(func(code int, _ string) error {
		s.close(code, "")
		return nil
	})
	s.ping = time.AfterFunc(pingEvery, func() {
		if s.write(appendFrame(nil, websocket.PingMessage, nil)) == nil {
			s.ping.Reset(pingEvery)
		}
	})
	return s
}

// read calls take with each text message until the peer goes; then the context is done. It is called once, in
// its own goroutine.
func (s *socket) read(take func(text []byte)) {
	defer s.end()
	defer func() {
		if p := recover(); p != nil {
			s.h.server.panicked("websocket of "+s.conn.RemoteAddr().String(), p)
		}
	}()
	for {
		kind, text, err := s.conn.ReadMessage()
		if errors.Is(err, websocket.ErrReadLimit) {
			s.h.server.refusals.refuse("http", "websocket_limit", s.conn.RemoteAddr().String(), err)
			s.close(websocket.CloseMessageTooBig, "message too long")
		}
		if err != nil {
			return
		}
		if kind == websocket.TextMessage && take != nil {
			take(text)
		}
	}
}

// write writes whole frames.
func (s *socket) write(frames []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return s.writeLocked(frames)
}

func (s *socket) writeLocked(frames []byte) error {
	c := s.conn.NetConn()
	c.SetWriteDeadline(time.Now().Add(socketWrite))
	_, err := c.Write(frames)
	if err != nil {
		s.end()
	}
	return err
}

// close writes the closing frame, once.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	var payload []byte
	if code != websocket.CloseNoStatusReceived {
		payload = websocket.FormatCloseMessage(code, clip(reason, 123))
	}
	s.writeLocked(appendFrame(nil, websocket.CloseMessage, payload))
	s.closed = true
}

// finish says goodbye, gives the peer a moment to answer, and frees everything. done tells that read has
// returned.
func (s *socket) finish(code int, reason string, done <-chan struct{}) {
	s.close(code, reason)
	s.ping.Stop()
	s.conn.SetReadDeadline(time.Now().Add(lingerTime))
	<-done
	s.conn.Close()
	s.end()
	s.h.end()
}

// appendFrame appends an unfragmented frame.
func appendFrame(dst []byte, kind int, payload []byte) []byte {
	dst = append(dst, 0x80|byte(kind))
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = append(dst, 126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	default:
		dst = append(dst, 127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return append(dst, payload...)
}

// appendEventFrame appends a text frame with the JSON of an event, which is written in place: most events
// need the header of four bytes that is set aside for them.
func appendEventFrame(dst []byte, e *event.Event) []byte {
	const usual = 4
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = event.AppendJSON(dst, e)
	n := len(dst) - at - usual
	switch {
	case n < 126:
		dst[at+2], dst[at+3] = 0x80|websocket.TextMessage, byte(n)
		copy(dst[at:], dst[at+2:])
		return dst[:len(dst)-2]
	case n < 1<<16:
		dst[at], dst[at+1] = 0x80|websocket.TextMessage, 126
		binary.BigEndian.PutUint16(dst[at+2:], uint16(n))
		return dst
	}
	dst = append(dst, 0, 0, 0, 0, 0, 0)
	copy(dst[at+10:], dst[at+usual:])
	dst[at], dst[at+1] = 0x80|websocket.TextMessage, 127
	binary.BigEndian.PutUint64(dst[at+2:], uint64(n))
	return dst
}

// clip cuts s to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
