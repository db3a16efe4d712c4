package server

import (
	"net/http"
	"time"

	"zeta/event"

	"github.com/gorilla/websocket"
)

// eventSocket takes one event in each message and answers each with {} or {"error": …}.
func (h *httpListener) eventSocket(w http.ResponseWriter, r *http.Request) {
	s := h.upgrade(w, r, event.MaxJSONBytes)
	if s == nil {
		return
	}
	done := make(chan struct{})
	run := lineRun{h: h, remote: r.RemoteAddr, peer: peerOfRequest(r), quit: s.ctx.Done()}
	line := 0
	go func() {
		defer close(done)
		s.read(func(text []byte) {
			line++
			run.take(text, line)
			run.flush()
			run.slow()
			s.conn.SetReadDeadline(time.Now().Add(pongWait)) // while it was slowed down, nothing was read
			answer := run.out[:len(run.out)-1]               // without the newline
			run.out = run.out[:0]
			s.write(appendFrame(nil, websocket.TextMessage, answer)) // an error ends the socket by itself
		})
	}()
	<-s.ctx.Done()
	code, reason := websocket.CloseNormalClosure, ""
	if h.server.stopping() {
		code, reason = websocket.CloseGoingAway, "the server shuts down"
	}
	s.finish(code, reason, done)
}
