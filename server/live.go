package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"zeta/event"
	"zeta/query"

	"github.com/gorilla/websocket"
)

// Bounds of a live socket, which carries all panels of one dashboard.
const (
	maxLiveSubscriptions = 64
	maxLiveRequest       = 16 << 10               // bytes of a client's message
	liveInterval         = 100 * time.Millisecond // between two batches of one socket
	clockInterval        = time.Second
)

// liveRequest is what a client sends.
type liveRequest struct {
	Op      string `json:"op"`
	ID      string `json:"id"`
	Query   string `json:"query"`
	Mode    string `json:"mode"`
	History int    `json:"history"`
}

// liveSocket is one open dashboard. The goroutine of its request writes; one goroutine reads requests, and
// one for each subscription collects events.
type liveSocket struct {
	server *Server
	socket *socket
	wake   chan struct{} // something is to be written

	mu      sync.Mutex
	feeds   map[string]*liveFeed
	order   []*liveFeed // as they were made: batches are written in this order
	replies []byte      // frames to be written before batches
	running sync.WaitGroup
}

// live serves /api/v1/live.
func (h *httpListener) live(w http.ResponseWriter, r *http.Request) {
	s := h.upgrade(w, r, maxLiveRequest)
	if s == nil {
		return
	}
	gauge := h.server.metrics.subscribers.WithLabelValues("live")
	gauge.Inc()
	defer gauge.Dec()
	l := &liveSocket{server: h.server, socket: s, wake: make(chan struct{}, 1), feeds: map[string]*liveFeed{}}
	l.reply(l.hello())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read(l.request)
	}()
	err := l.run()
	code, reason := websocket.CloseNormalClosure, ""
	if h.server.stopping() {
		code, reason = websocket.CloseGoingAway, "the server shuts down"
	} else if err != nil && !errors.Is(err, context.Canceled) {
		h.server.metrics.cut.Inc()
	}
	s.end()
	s.finish(code, reason, done)
	l.running.Wait()
}

// run writes until the socket ends.
func (l *liveSocket) run() error {
	clock := time.NewTicker(clockInterval)
	defer clock.Stop()
	pause := time.NewTimer(0) // runs out when the next batch may go
	defer pause.Stop()
	<-pause.C
	may, due := true, false
	for {
		select {
		case <-l.socket.ctx.Done():
			return l.socket.ctx.Err()
		case <-clock.C:
			if err := l.socket.write(appendFrame(nil, websocket.TextMessage, l.time())); err != nil {
				return err
			}
		case <-pause.C:
			may = true
		case <-l.wake:
			due = true
		}
		if may && due {
			may, due = false, false
			if err := l.flush(); err != nil {
				return err
			}
			pause.Reset(liveInterval)
		}
	}
}

// flush writes the replies and what the subscriptions have collected.
func (l *liveSocket) flush() error {
	l.mu.Lock()
	out := l.replies
	l.replies = nil
	feeds := append([]*liveFeed(nil), l.order...)
	l.mu.Unlock()
	_, seq := l.server.engine.Now()
	for _, f := range feeds {
		for {
			payload, more := f.batch(seq)
			if payload == nil {
				break
			}
			out = appendFrame(out, websocket.TextMessage, payload)
			if len(out) >= joinBytes {
				if err := l.socket.write(out); err != nil {
					return err
				}
				out = out[:0]
			}
			if !more {
				break
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return l.socket.write(out)
}

// request handles one message of the client.
func (l *liveSocket) request(text []byte) {
	var r liveRequest
	if err := json.Unmarshal(text, &r); err != nil {
		l.fail("", fmt.Errorf("the message is no JSON object as expected: %w", err))
		return
	}
	switch r.Op {
	case "subscribe":
		if err := l.subscribe(r); err != nil {
			l.server.refusals.refuse("http", reasonOf(err, "live"), l.socket.conn.RemoteAddr().String(), err)
			l.fail(r.ID, err)
		}
	case "unsubscribe":
		l.drop(r.ID)
	default:
		l.fail(r.ID, fmt.Errorf("unknown op %q; want subscribe or unsubscribe", clip(r.Op, 40)))
	}
}

// subscribe begins a subscription; one with the same id ends.
func (l *liveSocket) subscribe(r liveRequest) error {
	if r.ID == "" || len(r.ID) > 100 {
		return errors.New("want an id of 1 to 100 bytes")
	}
	latest := true
	switch r.Mode {
	case "", "latest":
	case "stream":
		latest = false
	default:
		return fmt.Errorf("unknown mode %q; want latest or stream", clip(r.Mode, 40))
	}
	q, err := query.Parse(r.Query)
	if err == nil {
		err = l.server.sparesSubscribers()
	}
	if err != nil {
		return err
	}
	l.drop(r.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.feeds) >= maxLiveSubscriptions {
		return fmt.Errorf("%d subscriptions are open on this socket; end some first", len(l.feeds))
	}
	f := newLiveFeed(l, r.ID, q, latest, min(max(r.History, 0), maxStreamItems))
	ctx, cancel := context.WithCancel(l.socket.ctx)
	f.cancel = cancel
	l.feeds[r.ID] = f
	l.order = append(l.order, f)
	l.running.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				l.server.panicked("live subscription "+r.ID, p)
				l.socket.end()
			}
		}()
		if err := f.collect(ctx); err != nil && ctx.Err() == nil {
			l.fail(r.ID, err)
			l.drop(r.ID)
		}
	})
	return nil
}

// drop ends a subscription, if there is one of this id.
func (l *liveSocket) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feeds[id]
	if f == nil {
		return
	}
	f.cancel()
	delete(l.feeds, id)
	for i, o := range l.order {
		if o == f {
			l.order = append(l.order[:i], l.order[i+1:]...)
			break
		}
	}
}

// fail tells the client about an error.
func (l *liveSocket) fail(id string, err error) {
	l.reply(struct {
		Op string `json:"op"`
		ID string `json:"id"`
		errorBody
	}{"error", id, errorOf(err)})
}

// reply queues a message. A client that sends requests without reading the replies loses the socket.
func (l *liveSocket) reply(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		l.server.log.Error("live reply", "err", err)
		return
	}
	l.mu.Lock()
	if len(l.replies) > maxUnanswered {
		l.socket.end()
	} else {
		l.replies = appendFrame(l.replies, websocket.TextMessage, text)
	}
	l.mu.Unlock()
	l.wakeUp()
}

func (l *liveSocket) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// hello is the first message.
func (l *liveSocket) hello() any {
	now, seq := l.server.engine.Now()
	return struct {
		Op      string `json:"op"`
		Version string `json:"version"`
		Now     string `json:"now"`
		Start   string `json:"start"`
		Seq     uint64 `json:"seq"`
	}{"hello", l.server.opts.Version, isoTime(now), isoTime(l.server.started.UnixMicro()), seq}
}

// time is the message of every second.
func (l *liveSocket) time() []byte {
	s := l.server
	now, seq := s.engine.Now()
	conns := 0
	for _, o := range s.open() {
		conns += o.Connections()
	}
	return fmt.Appendf(nil, `{"op":"time","now":%q,"seq":%d,"rate":%.1f,"series":%d,"connections":%d}`,
		isoTime(now), seq, s.rate.perSecond(), s.index.Len(), conns)
}

// isoTime writes microseconds since the epoch as events' times are written.
func isoTime(us int64) string { return string(event.AppendTime(nil, us)) }
